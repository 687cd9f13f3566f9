import { Button } from 'antd'
import { Plus } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { FloatingIpView, ForwardView, NetworkView, RouterView } from '@/api/generated'
import { useCollection, useNames } from '@/api/use'
import { useSession } from '@/app/session'
import { ActionButton } from '@/ui/ActionButton'
import { Card, Empty } from '@/ui/Page'
import { StateMark } from '@/ui/StateMark'
import { type FloatingAction, FloatingIpAsked, FloatingIpDialog } from '../floating/FloatingIpDialogs'
import { FloatingIpButtons } from '../floating/FloatingIpsPage'
import { ForwardDialog } from '../forwards/ForwardDialog'
import { Outside, RemoveForward } from '../forwards/ForwardsPage'
import { JoinDialog, LeaveDialog } from '../routers/RouterDialogs'
import { NetworkLink, VmLink } from './links'

function Add({ text, needs, add }: { text: string; needs: string; add: () => void }) {
  const { may } = useSession()
  if (!may(needs)) return null
  return (
    <Button size="small" icon={<Plus size={14} />} onClick={add}>
      {text}
    </Button>
  )
}

/** The routers that a network is on, and what it reaches by them. */
export function NetworkRouters({ network }: { network: NetworkView }) {
  const { t } = useTranslation()
  const networks = useNames('network')
  const routers = useCollection('router').rows.filter(router => router.networks.includes(network.id))
  const [joining, setJoining] = useState(false)
  const [leaving, setLeaving] = useState<RouterView>()
  return (
    <Card
      title={t('router')}
      extra={<Add text={t('router.join_this')} needs="attach_router" add={() => setJoining(true)} />}
    >
      {routers.length === 0 && <Empty>{t('router.not_on')}</Empty>}
      <ul className="devices">
        {routers.map(router => (
          <li key={router.id}>
            <strong>{router.name}</strong>
            <StateMark state={router.state} />
            <span className="in-text">
              {t('router.reaches')}{' '}
              {router.networks
                .filter(id => id !== network.id)
                .map((id, index) => (
                  <span key={id}>
                    {index > 0 && ', '}
                    <NetworkLink id={id} name={networks.name(id)} />
                  </span>
                ))}
            </span>
            <ActionButton size="small" verdict={router.allowed_actions.detach} onClick={() => setLeaving(router)}>
              {t('router.leave')}
            </ActionButton>
          </li>
        ))}
      </ul>
      {joining && <JoinDialog network={network.id} close={() => setJoining(false)} />}
      {leaving && <LeaveDialog router={leaving} network={network.id} close={() => setLeaving(undefined)} />}
    </Card>
  )
}

export function NetworkFloating({ network }: { network: NetworkView }) {
  const { t } = useTranslation()
  const vms = useNames('vm')
  const rows = useCollection('floating_ip').rows.filter(one => one.network_id === network.id)
  const [adding, setAdding] = useState(false)
  const [asked, setAsked] = useState<{ action: FloatingAction; floating: FloatingIpView }>()
  return (
    <Card
      title={t('floatings')}
      extra={<Add text={t('floating.new')} needs="create_floating_ip" add={() => setAdding(true)} />}
    >
      {rows.length === 0 && <Empty>{t('floating.none')}</Empty>}
      <ul className="devices">
        {rows.map(one => (
          <li key={one.id}>
            <strong className="mono">{one.address}</strong>
            <StateMark state={one.state} />
            <span>{one.vm_id ? <VmLink id={one.vm_id} name={vms.name(one.vm_id)} /> : t('volume.free')}</span>
            <span className="row-actions">
              <FloatingIpButtons floating={one} ask={(action, floating) => setAsked({ action, floating })} />
            </span>
          </li>
        ))}
      </ul>
      {adding && <FloatingIpDialog network={network} close={() => setAdding(false)} />}
      <FloatingIpAsked asked={asked} close={() => setAsked(undefined)} />
    </Card>
  )
}

export function NetworkForwards({ network }: { network: NetworkView }) {
  const { t } = useTranslation()
  const vms = useNames('vm')
  const rows = useCollection('forward').rows.filter(one => one.network_id === network.id)
  const [adding, setAdding] = useState(false)
  const [removing, setRemoving] = useState<ForwardView>()
  return (
    <Card
      title={t('forwards')}
      extra={<Add text={t('forward.new')} needs="create_forward" add={() => setAdding(true)} />}
    >
      {rows.length === 0 && <Empty>{t('forward.none')}</Empty>}
      <ul className="devices">
        {rows.map(one => (
          <li key={one.id}>
            <strong>
              <Outside forward={one} />
            </strong>
            <StateMark state={one.state} />
            <span className="in-text">
              → <VmLink id={one.vm_id} name={vms.name(one.vm_id)} />{' '}
              <span className="mono">
                {one.inside}:{one.inside_port}
              </span>
            </span>
            <ActionButton size="small" verdict={one.allowed_actions.delete} onClick={() => setRemoving(one)}>
              {t('delete')}
            </ActionButton>
          </li>
        ))}
      </ul>
      {adding && <ForwardDialog network={network} close={() => setAdding(false)} />}
      {removing && <RemoveForward forward={removing} close={() => setRemoving(undefined)} />}
    </Card>
  )
}
