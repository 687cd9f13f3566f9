import { Input, Select } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { attachRouter, createRouter, deleteRouter, detachRouter, type RouterView } from '@/api/generated'
import { fieldMessage } from '@/api/problem'
import { useCollection, useNames } from '@/api/use'
import { ChangeDialog } from '@/ui/ChangeDialog'
import { ConfirmDialog } from '../tasks/ConfirmDialog'
import { useChange } from '../tasks/change'
import { Plan } from '../tasks/Plan'
import { RemoveDialog } from '../tasks/RemoveDialog'
import { usePlan } from '../tasks/usePlan'
import { Field } from '../vms/CreateParts'

export function RouterDialog({ close }: { close: () => void }) {
  const { t } = useTranslation()
  const change = useChange()
  const [name, setName] = useState('')
  const plan = usePlan(name || undefined, () => createRouter({ body: { name }, query: { plan: true } }))
  const submit = async () => {
    if (await change.run(`${t('router.new')} ${name}`, () => createRouter({ body: { name } }))) close()
  }
  return (
    <ChangeDialog
      title={t('router.new')}
      ok={t('create')}
      disabled={!name || plan.loading || plan.problem !== undefined}
      {...change}
      close={close}
      submit={submit}
    >
      <Field label={t('name')} error={fieldMessage(change.problem ?? plan.problem, 'name')}>
        <Input value={name} onChange={event => setName(event.target.value)} autoFocus />
      </Field>
      <Plan {...plan} />
    </ChangeDialog>
  )
}

/** A network comes to a router: either is chosen, the other is given. */
export function JoinDialog({ router, network, close }: { router?: RouterView; network?: string; close: () => void }) {
  const { t } = useTranslation()
  const change = useChange()
  const routers = useCollection('router').rows
  const networks = useCollection('network').rows
  const [chosen, setChosen] = useState({ router: router?.id ?? '', network: network ?? '' })
  const ready = chosen.router !== '' && chosen.network !== ''
  const attach = (plan: boolean) =>
    attachRouter({ path: { ref: chosen.router }, body: { network: chosen.network }, query: { plan } })
  const plan = usePlan(ready ? JSON.stringify(chosen) : undefined, () => attach(true))
  const submit = async () => {
    const names = [routers.find(one => one.id === chosen.router), networks.find(one => one.id === chosen.network)]
    const title = `${t('router.join')} ${names.map(one => one?.name).join(' ← ')}`
    if (await change.run(title, () => attach(false))) close()
  }
  return (
    <ChangeDialog
      title={t('router.join')}
      ok={t('router.join')}
      disabled={!ready || plan.loading || plan.problem !== undefined}
      {...change}
      close={close}
      submit={submit}
    >
      <p className="quiet">{t('router.intro')}</p>
      <Field label={t('router')}>
        <Select
          value={chosen.router || undefined}
          onChange={id => setChosen({ ...chosen, router: id })}
          options={routers.map(({ id, name }) => ({ value: id, label: name }))}
          disabled={router !== undefined}
        />
      </Field>
      <Field label={t('network')}>
        <Select
          value={chosen.network || undefined}
          onChange={id => setChosen({ ...chosen, network: id })}
          options={networks
            .filter(({ id }) => network !== undefined || !router?.networks.includes(id))
            .map(({ id, name, cidr }) => ({ value: id, label: `${name} · ${cidr}` }))}
          disabled={network !== undefined}
        />
      </Field>
      <Plan {...plan} />
    </ChangeDialog>
  )
}

export function LeaveDialog({ router, network, close }: { router: RouterView; network: string; close: () => void }) {
  const { t } = useTranslation()
  const networks = useNames('network')
  return (
    <ConfirmDialog
      title={t('router.leave_title', { network: networks.name(network), name: router.name })}
      ok={t('router.leave')}
      close={close}
      request={plan => detachRouter({ path: { ref: router.id }, body: { network }, query: { plan } })}
    >
      <p>{t('router.leave_text')}</p>
    </ConfirmDialog>
  )
}

export function RemoveRouter({ router, close }: { router: RouterView; close: () => void }) {
  const { t } = useTranslation()
  return (
    <RemoveDialog
      noun={t('router')}
      name={router.name}
      close={close}
      request={plan => deleteRouter({ path: { ref: router.id }, query: { plan } })}
    />
  )
}
