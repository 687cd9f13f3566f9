import { Input, Select } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import {
  attachFloatingIp,
  createFloatingIp,
  deleteFloatingIp,
  detachFloatingIp,
  type FloatingIpView,
  type NetworkView,
} from '@/api/generated'
import { Field } from '@/ui/Field'
import { readNic, useNetworkChoices, useNicChoices } from '../networks/choices'
import { ConfirmDialog } from '../tasks/ConfirmDialog'
import { PlanDialog } from '../tasks/PlanDialog'
import { RemoveDialog } from '../tasks/RemoveDialog'

export function FloatingIpDialog({ network, close }: { network?: NetworkView; close: () => void }) {
  const { t } = useTranslation()
  const networks = useNetworkChoices()
  const [draft, setDraft] = useState({ network: network?.id ?? '', address: '' })
  return (
    <PlanDialog
      title={t('floating.new')}
      ok={t('create')}
      log={`${t('floating.new')} ${draft.address}`}
      asked={draft.network ? JSON.stringify(draft) : undefined}
      request={plan => createFloatingIp({ body: draft, query: { plan } })}
      close={close}
    >
      {wrong => (
        <>
          <Field label={t('network')}>
            <Select
              value={draft.network || undefined}
              onChange={id => setDraft({ ...draft, network: id })}
              options={networks}
              disabled={network !== undefined}
            />
          </Field>
          <Field label={t('address')} hint={t('floating.any')} error={wrong('address')}>
            <Input
              value={draft.address}
              onChange={event => setDraft({ ...draft, address: event.target.value.trim() })}
              placeholder="192.0.2.10"
            />
          </Field>
        </>
      )}
    </PlanDialog>
  )
}

/** To which NIC of its network it leads. */
export function AttachDialog({ floating, close }: { floating: FloatingIpView; close: () => void }) {
  const { t } = useTranslation()
  const nics = useNicChoices(floating.network_id)
  const [chosen, setChosen] = useState<string>()
  return (
    <PlanDialog
      title={t('floating.attach_title', { address: floating.address })}
      ok={t('floating.attach')}
      asked={chosen}
      request={plan => attachFloatingIp({ path: { ref: floating.id }, body: readNic(chosen ?? ''), query: { plan } })}
      close={close}
    >
      <Field label={t('floating.nic')} {...(nics.length === 0 ? { hint: t('floating.no_nic') } : {})}>
        <Select value={chosen} onChange={setChosen} options={nics} showSearch={{ optionFilterProp: 'label' }} />
      </Field>
    </PlanDialog>
  )
}

export type FloatingAction = 'attach' | 'detach' | 'delete'
interface AskedProps {
  asked: { action: FloatingAction; floating: FloatingIpView } | undefined
  close: () => void
}

/** The dialog for what is asked of a floating address. */
export function FloatingIpAsked({ asked, close }: AskedProps) {
  const { t } = useTranslation()
  if (!asked) return null
  const { action, floating } = asked
  const path = { ref: floating.id }
  if (action === 'attach') return <AttachDialog floating={floating} close={close} />
  if (action === 'detach') {
    return (
      <ConfirmDialog
        title={t('floating.detach_title', { address: floating.address })}
        ok={t('vm.detach')}
        close={close}
        request={plan => detachFloatingIp({ path, query: { plan } })}
      >
        <p>{t('floating.detach_text')}</p>
      </ConfirmDialog>
    )
  }
  return (
    <RemoveDialog
      noun={t('floating')}
      name={floating.address}
      close={close}
      request={plan => deleteFloatingIp({ path, query: { plan } })}
    />
  )
}
