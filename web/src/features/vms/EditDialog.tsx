import { Checkbox, Form, Input, InputNumber } from 'antd'
import { useTranslation } from 'react-i18next'
import { editVm, type VmView } from '@/api/generated'
import { fieldMessage } from '@/api/problem'
import { ChangeDialog } from '@/ui/ChangeDialog'
import { TagsInput } from '@/ui/Field'
import { SizeInput } from '@/ui/SizeInput'
import { useChange } from '../tasks/change'

interface Values {
  name: string
  description: string
  tags: string[]
  vcpus: number
  memory: number
  protected: boolean
}

/** What can be changed of a VM; only what was changed is sent. */
export function EditDialog({ vm, close }: { vm: VmView; close: () => void }) {
  const { t } = useTranslation()
  const change = useChange()
  const [form] = Form.useForm<Values>()
  const submit = async () => {
    const values = await form.validateFields()
    const body = Object.fromEntries(
      Object.entries(values).filter(([key, value]) => !same(vm[key as keyof Values], value)),
    )
    if (Object.keys(body).length === 0) return close()
    if (await change.run(`${t('vm.do.edit')} ${vm.name}`, () => editVm({ path: { ref: vm.id }, body }))) close()
  }
  const wrong = (field: string) => {
    const message = fieldMessage(change.problem, field)
    return message ? { validateStatus: 'error' as const, help: message } : {}
  }
  return (
    <ChangeDialog
      title={t('vm.edit_title', { name: vm.name })}
      ok={t('save')}
      {...change}
      close={close}
      submit={submit}
    >
      <Form form={form} layout="vertical" initialValues={{ ...vm }} requiredMark={false}>
        <Form.Item
          name="name"
          label={t('name')}
          rules={[{ required: true, message: t('form.required') }]}
          {...wrong('name')}
        >
          <Input />
        </Form.Item>
        <Form.Item name="description" label={t('description')} {...wrong('description')}>
          <Input.TextArea rows={2} />
        </Form.Item>
        <Form.Item name="tags" label={t('tags')} {...wrong('tags')}>
          <TagsInput />
        </Form.Item>
        <div className="field-row">
          <Form.Item name="vcpus" label={t('vm.vcpus')} {...wrong('vcpus')}>
            <InputNumber min={1} max={128} />
          </Form.Item>
          <Form.Item
            name="memory"
            label={t('memory')}
            rules={[{ required: true, message: t('form.size') }]}
            {...wrong('memory')}
          >
            <SizeInput />
          </Form.Item>
        </div>
        <Form.Item name="protected" valuePropName="checked">
          <Checkbox>{t('vm.protect')}</Checkbox>
        </Form.Item>
        {vm.state === 'running' && <p className="quiet">{t('vm.edit_running')}</p>}
      </Form>
    </ChangeDialog>
  )
}

const same = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other)
