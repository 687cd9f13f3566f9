import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { activateHost, forgetHost, type HostView, maintainHost, removeHost, renewHost } from '@/api/generated'
import { ActionButton } from '@/ui/ActionButton'
import { ConfirmDialog } from '../tasks/ConfirmDialog'

const ACTIONS = {
  maintain: maintainHost,
  activate: activateHost,
  renew: renewHost,
  remove: removeHost,
  forget: forgetHost,
}
export type HostAction = keyof typeof ACTIONS
export const HOST_ACTIONS = Object.keys(ACTIONS) as HostAction[]

/** Everything that can be done with a host; what cannot now is grey, with the API's reason. */
export function HostActions({ host }: { host: HostView }) {
  const { t } = useTranslation()
  const [asked, setAsked] = useState<HostAction>()
  return (
    <>
      {HOST_ACTIONS.map(action => (
        <ActionButton
          key={action}
          danger={action === 'forget' || action === 'remove'}
          verdict={host.allowed_actions[action]}
          onClick={() => setAsked(action)}
        >
          {t(`host.do.${action}`)}
        </ActionButton>
      ))}
      {asked && <HostDialog host={host} action={asked} close={() => setAsked(undefined)} />}
    </>
  )
}

/** What an action comes to, for each VM that is concerned, before it is done. */
export function HostDialog({ host, action, close }: { host: HostView; action: HostAction; close: () => void }) {
  const { t } = useTranslation()
  return (
    <ConfirmDialog
      title={`${t(`host.do.${action}`)} ${host.name}`}
      ok={t(`host.do.${action}`)}
      danger={action === 'forget'}
      close={close}
      request={plan => ACTIONS[action]({ path: { ref: host.id }, query: { plan } })}
    >
      <p>{t(`host.text.${action}`)}</p>
    </ConfirmDialog>
  )
}
