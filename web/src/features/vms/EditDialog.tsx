import { Checkbox, Input, InputNumber, Select } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { editVm, type VmView } from '@/api/generated'
import { changesOf } from '@/ui/changes'
import { Field, NameField, TagsField } from '@/ui/Field'
import { SizeInput } from '@/ui/SizeInput'
import { PlanDialog, type Wrong } from '../tasks/PlanDialog'

const draftOf = (vm: VmView) => ({
  name: vm.name,
  description: vm.description,
  tags: vm.tags,
  vcpus: vm.vcpus,
  memory: vm.memory as number | undefined,
  cpu_model: vm.cpu_model,
  firmware: vm.firmware,
  boot: vm.boot,
  protected: vm.protected,
})
type Draft = ReturnType<typeof draftOf>

/** What can be changed of a VM; only what was changed is sent. */
export function EditDialog({ vm, close }: { vm: VmView; close: () => void }) {
  const { t } = useTranslation()
  const [before] = useState(() => draftOf(vm))
  const [draft, setDraft] = useState(before)
  const set = (changes: Partial<Draft>) => setDraft({ ...draft, ...changes })
  const { memory, ...rest } = changesOf(before, draft)
  const body = { ...rest, ...(memory === undefined ? {} : { memory }) }
  const complete = draft.name !== '' && draft.memory !== undefined && draft.boot.length > 0
  return (
    <PlanDialog
      title={t('vm.edit_title', { name: vm.name })}
      ok={t('save')}
      asked={complete && Object.keys(body).length > 0 ? JSON.stringify(body) : undefined}
      request={plan => editVm({ path: { ref: vm.id }, body, query: { plan } })}
      close={close}
    >
      {wrong => (
        <>
          {vm.state === 'running' && <p className="quiet">{t('vm.edit_running')}</p>}
          <NameField value={draft.name} onChange={name => set({ name })} error={wrong('name')} />
          <Field label={t('description')} error={wrong('description')}>
            <Input.TextArea
              rows={2}
              value={draft.description}
              onChange={event => set({ description: event.target.value })}
            />
          </Field>
          <TagsField value={draft.tags} onChange={tags => set({ tags })} wrong={wrong} />
          <Hardware draft={draft} set={set} wrong={wrong} />
          <Checkbox checked={draft.protected} onChange={event => set({ protected: event.target.checked })}>
            {t('vm.protect')}
          </Checkbox>
        </>
      )}
    </PlanDialog>
  )
}

interface HardwareProps {
  draft: Draft
  set: (changes: Partial<Draft>) => void
  wrong: Wrong
}

function Hardware({ draft, set, wrong }: HardwareProps) {
  const { t } = useTranslation()
  return (
    <>
      <div className="field-row">
        <Field label={t('vm.vcpus')} error={wrong('vcpus')}>
          <InputNumber
            min={1}
            max={128}
            precision={0}
            value={draft.vcpus}
            onChange={vcpus => set({ vcpus: vcpus ?? 1 })}
          />
        </Field>
        <Field label={t('memory')} error={draft.memory === undefined ? t('form.size') : wrong('memory')}>
          <SizeInput value={draft.memory} onChange={memory => set({ memory })} />
        </Field>
      </div>
      <div className="field-row field-row-top">
        <Field label={t('pool.cpu_model')} hint={t('vm.cpu_hint')} error={wrong('cpu_model')}>
          <Input value={draft.cpu_model} onChange={event => set({ cpu_model: event.target.value.trim() })} />
        </Field>
        <Field label={t('vm.firmware')} error={wrong('firmware')}>
          <Select
            value={draft.firmware}
            onChange={firmware => set({ firmware })}
            options={(['bios', 'uefi'] as const).map(value => ({ value, label: value.toUpperCase() }))}
          />
        </Field>
      </div>
      <Field label={t('vm.boot')} hint={t('vm.boot_hint')} error={wrong('boot')}>
        <Select
          mode="multiple"
          value={draft.boot}
          onChange={boot => set({ boot })}
          options={(['disk', 'cdrom', 'network'] as const).map(value => ({ value, label: t(`vm.boot_${value}`) }))}
        />
      </Field>
    </>
  )
}
