import { Select } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { attachRouter, createRouter, deleteRouter, detachRouter, type RouterView } from '@/api/generated'
import { useCollection, useNames } from '@/api/use'
import { Field, NameField } from '@/ui/Field'
import { ConfirmDialog } from '../tasks/ConfirmDialog'
import { PlanDialog } from '../tasks/PlanDialog'
import { RemoveDialog } from '../tasks/RemoveDialog'

export function RouterDialog({ close }: { close: () => void }) {
  const { t } = useTranslation()
  const [name, setName] = useState('')
  return (
    <PlanDialog
      title={t('router.new')}
      ok={t('create')}
      log={`${t('router.new')} ${name}`}
      asked={name || undefined}
      request={plan => createRouter({ body: { name }, query: { plan } })}
      close={close}
    >
      {wrong => <NameField value={name} onChange={setName} error={wrong('name')} />}
    </PlanDialog>
  )
}

/** A network comes to a router: either is chosen, the other is given. */
export function JoinDialog({ router, network, close }: { router?: RouterView; network?: string; close: () => void }) {
  const { t } = useTranslation()
  const routers = useCollection('router').rows
  const networks = useCollection('network').rows
  const [chosen, setChosen] = useState({ router: router?.id ?? '', network: network ?? '' })
  const ready = chosen.router !== '' && chosen.network !== ''
  const names = [routers.find(one => one.id === chosen.router), networks.find(one => one.id === chosen.network)]
  return (
    <PlanDialog
      title={t('router.join')}
      ok={t('router.join')}
      log={`${t('router.join')} ${names.map(one => one?.name).join(' ← ')}`}
      asked={ready ? JSON.stringify(chosen) : undefined}
      request={plan =>
        attachRouter({ path: { ref: chosen.router }, body: { network: chosen.network }, query: { plan } })
      }
      close={close}
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
    </PlanDialog>
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
