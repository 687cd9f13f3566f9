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
import { fieldMessage } from '@/api/problem'
import { ChangeDialog } from '@/ui/ChangeDialog'
import { readNic, useNetworkChoices, useNicChoices } from '../networks/choices'
import { ConfirmDialog } from '../tasks/ConfirmDialog'
import { useChange } from '../tasks/change'
import { Plan } from '../tasks/Plan'
import { RemoveDialog } from '../tasks/RemoveDialog'
import { usePlan } from '../tasks/usePlan'
import { Field } from '../vms/CreateParts'

export function FloatingIpDialog({ network, close }: { network?: NetworkView; close: () => void }) {
  const { t } = useTranslation()
  const change = useChange()
  const networks = useNetworkChoices()
  const [draft, setDraft] = useState({ network: network?.id ?? '', address: '' })
  const plan = usePlan(draft.network ? JSON.stringify(draft) : undefined, () =>
    createFloatingIp({ body: draft, query: { plan: true } }),
  )
  const submit = async () => {
    if (await change.run(`${t('floating.new')} ${draft.address}`, () => createFloatingIp({ body: draft }))) close()
  }
  return (
    <ChangeDialog
      title={t('floating.new')}
      ok={t('create')}
      disabled={!draft.network || plan.loading || plan.problem !== undefined}
      {...change}
      close={close}
      submit={submit}
    >
      <Field label={t('network')}>
        <Select
          value={draft.network || undefined}
          onChange={id => setDraft({ ...draft, network: id })}
          options={networks}
          disabled={network !== undefined}
        />
      </Field>
      <Field
        label={t('address')}
        hint={t('floating.any')}
        error={fieldMessage(change.problem ?? plan.problem, 'address')}
      >
        <Input
          value={draft.address}
          onChange={event => setDraft({ ...draft, address: event.target.value.trim() })}
          placeholder="192.0.2.10"
        />
      </Field>
      <Plan {...plan} />
    </ChangeDialog>
  )
}

/** To which NIC of its network it leads. */
export function AttachDialog({ floating, close }: { floating: FloatingIpView; close: () => void }) {
  const { t } = useTranslation()
  const change = useChange()
  const nics = useNicChoices(floating.network_id)
  const [chosen, setChosen] = useState<string>()
  const path = { ref: floating.id }
  const attach = (plan: boolean) => attachFloatingIp({ path, body: readNic(chosen ?? ''), query: { plan } })
  const plan = usePlan(chosen, () => attach(true))
  const submit = async () => {
    if (await change.run(`${t('floating.attach')} ${floating.address}`, () => attach(false))) close()
  }
  return (
    <ChangeDialog
      title={t('floating.attach_title', { address: floating.address })}
      ok={t('floating.attach')}
      disabled={!chosen || plan.loading || plan.problem !== undefined}
      {...change}
      close={close}
      submit={submit}
    >
      <Field label={t('floating.nic')} {...(nics.length === 0 ? { hint: t('floating.no_nic') } : {})}>
        <Select value={chosen} onChange={setChosen} options={nics} showSearch={{ optionFilterProp: 'label' }} />
      </Field>
      <Plan {...plan} />
    </ChangeDialog>
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
