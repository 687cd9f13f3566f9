import { Input, Typography } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { createEnrolment, type HostToken } from '@/api/generated'
import { ChangeDialog } from '@/ui/ChangeDialog'
import { useChange } from '../tasks/change'

/** A one-time token that is carried to the new host. */
export function EnrolDialog({ close }: { close: () => void }) {
  const { t } = useTranslation()
  const change = useChange()
  const [name, setName] = useState('')
  const [made, setMade] = useState<HostToken>()
  const submit = async () => {
    if (made) return close()
    const token = await change.run<HostToken>(`${t('host.add')} ${name}`, () => createEnrolment({ body: { name } }))
    if (token) setMade(token)
  }
  return (
    <ChangeDialog
      title={t('host.add')}
      ok={made ? t('close') : t('host.make_token')}
      disabled={!name}
      {...change}
      close={close}
      submit={submit}
    >
      {made ? (
        <>
          <p>{t('host.token_text', { name: made.name })}</p>
          <pre className="secret">ALTUS_ENROL_TOKEN={made.token} altus-agent enrol</pre>
          <Typography.Text copyable={{ text: made.token }}>{t('host.copy_token')}</Typography.Text>
        </>
      ) : (
        <label className="field">
          {t('name')}
          <Input value={name} onChange={event => setName(event.target.value)} autoFocus />
        </label>
      )}
    </ChangeDialog>
  )
}
