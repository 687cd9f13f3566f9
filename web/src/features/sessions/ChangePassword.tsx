import { useQueryClient } from '@tanstack/react-query'
import { Button, Form, Input } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { ask } from '@/api/ask'
import { changePassword } from '@/api/generated'
import { asProblem, type Problem } from '@/api/problem'
import { ME } from '@/app/session'
import { ProblemAlert } from '@/ui/ProblemAlert'

interface Values {
  old: string
  new: string
  again: string
}

/** One's own password; after the first login it must be changed before anything else. */
export function ChangePassword({ done }: { done?: () => void }) {
  const { t } = useTranslation()
  const client = useQueryClient()
  const [problem, setProblem] = useState<Problem>()
  const [busy, setBusy] = useState(false)
  const submit = async (values: Values) => {
    setBusy(true)
    setProblem(undefined)
    try {
      await ask(changePassword({ body: { old: values.old, new: values.new } }))
      await client.invalidateQueries({ queryKey: ME })
      done?.()
    } catch (error) {
      setProblem(asProblem(error))
    } finally {
      setBusy(false)
    }
  }
  const required = { required: true, message: t('form.required') }
  return (
    <Form<Values> layout="vertical" onFinish={submit} requiredMark={false}>
      <ProblemAlert problem={problem} />
      <Form.Item name="old" label={t('password.old')} rules={[required]}>
        <Input.Password autoComplete="current-password" autoFocus />
      </Form.Item>
      <Form.Item name="new" label={t('password.new')} rules={[required]} extra={t('password.hint')}>
        <Input.Password autoComplete="new-password" />
      </Form.Item>
      <Form.Item
        name="again"
        label={t('password.again')}
        dependencies={['new']}
        rules={[
          required,
          ({ getFieldValue }) => ({
            validator: (_, value) =>
              !value || value === getFieldValue('new')
                ? Promise.resolve()
                : Promise.reject(new Error(t('password.differs'))),
          }),
        ]}
      >
        <Input.Password autoComplete="new-password" />
      </Form.Item>
      <Button type="primary" htmlType="submit" block loading={busy}>
        {t('password.go')}
      </Button>
    </Form>
  )
}
