import { useQueryClient } from '@tanstack/react-query'
import { Button, Form, Input } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { ask } from '@/api/ask'
import { login, whoami } from '@/api/generated'
import { asProblem, type Problem } from '@/api/problem'
import { LookMenu } from '@/app/LookMenu'
import { ME } from '@/app/session'
import { ProblemAlert } from '@/ui/ProblemAlert'
import { Frame } from './Frame'

export function SignIn() {
  const { t } = useTranslation()
  const client = useQueryClient()
  const [problem, setProblem] = useState<Problem>()
  const [busy, setBusy] = useState(false)
  const submit = async (values: { name: string; password: string }) => {
    setBusy(true)
    setProblem(undefined)
    try {
      await ask(login({ body: { ...values, cookie: true } }))
      client.setQueryData(ME, await ask(whoami()))
    } catch (error) {
      setProblem(asProblem(error))
      setBusy(false)
    }
  }
  return (
    <Frame title={t('signin.title')} corner={<LookMenu />}>
      <Form layout="vertical" onFinish={submit} requiredMark={false} size="large">
        <ProblemAlert problem={problem} />
        <Form.Item name="name" label={t('signin.name')} rules={[{ required: true, message: t('form.required') }]}>
          <Input autoFocus autoComplete="username" autoCapitalize="none" spellCheck={false} />
        </Form.Item>
        <Form.Item
          name="password"
          label={t('signin.password')}
          rules={[{ required: true, message: t('form.required') }]}
        >
          <Input.Password autoComplete="current-password" />
        </Form.Item>
        <Button type="primary" htmlType="submit" block loading={busy}>
          {t('signin.go')}
        </Button>
      </Form>
    </Frame>
  )
}
