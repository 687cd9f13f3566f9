import { useQueryClient } from '@tanstack/react-query'
import { Input, Modal, Typography } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { createUser, type UserSecret } from '@/api/generated'
import { fieldMessage } from '@/api/problem'
import { ChangeDialog } from '@/ui/ChangeDialog'
import { Field } from '@/ui/Field'
import { useChange } from '../tasks/change'

/** A new account without rights; its one-time password is shown once. */
export function UserDialog({ made, close }: { made: (secret: UserSecret) => void; close: () => void }) {
  const { t } = useTranslation()
  const client = useQueryClient()
  const change = useChange()
  const [name, setName] = useState('')
  const [display, setDisplay] = useState('')
  const submit = async () => {
    const secret = await change.run<UserSecret>(`${t('user.new')} ${name}`, () =>
      createUser({ body: { name, display_name: display } }),
    )
    if (!secret) return
    await client.invalidateQueries({ queryKey: ['users'] })
    made(secret)
    close()
  }
  return (
    <ChangeDialog title={t('user.new')} ok={t('create')} disabled={!name} {...change} close={close} submit={submit}>
      <p className="quiet">{t('user.new_text')}</p>
      <Field label={t('name')} error={fieldMessage(change.problem, 'name')}>
        <Input value={name} onChange={event => setName(event.target.value)} autoFocus autoCapitalize="none" />
      </Field>
      <Field label={t('user.display_name')} error={fieldMessage(change.problem, 'display_name')}>
        <Input value={display} onChange={event => setDisplay(event.target.value)} />
      </Field>
    </ChangeDialog>
  )
}

/** A password or token that is shown this once. */
export function SecretDialog({
  secret,
  close,
}: {
  secret: { name: string; password?: string; token?: string }
  close: () => void
}) {
  const { t } = useTranslation()
  const text = secret.password ?? secret.token ?? ''
  return (
    <Modal
      open
      title={t('secret.title', { name: secret.name })}
      onCancel={close}
      onOk={close}
      okText={t('secret.kept')}
      cancelButtonProps={{ hidden: true }}
    >
      <p>{t('secret.text')}</p>
      <Typography.Paragraph className="secret" copyable={{ text }}>
        {text}
      </Typography.Paragraph>
    </Modal>
  )
}
