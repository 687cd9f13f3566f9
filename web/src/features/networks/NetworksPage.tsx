import { Button } from 'antd'
import { Plus, Trash2 } from 'lucide-react'
import { useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { deleteNetwork, type NetworkView } from '@/api/generated'
import { useCollection } from '@/api/use'
import { useSession } from '@/app/session'
import { ActionButton } from '@/ui/ActionButton'
import type { Fields } from '@/ui/filter'
import { ListPage } from '@/ui/ListPage'
import { ProblemAlert } from '@/ui/ProblemAlert'
import { StateMark } from '@/ui/StateMark'
import type { Column } from '@/ui/VirtualTable'
import { useChange } from '../tasks/change'
import { RemoveDialog } from '../tasks/RemoveDialog'
import { NetworkLink } from './links'
import { NetworkDialog } from './NetworkDialog'
import { Topology } from './Topology'

const FIELDS: Fields<NetworkView> = {
  '': network => [network.name, network.cidr],
  kind: network => network.kind,
  state: network => network.state,
}

export function NetworksPage() {
  const { t } = useTranslation()
  const { may } = useSession()
  const networks = useCollection('network')
  const vms = useCollection('vm').rows
  const change = useChange()
  const [adding, setAdding] = useState(false)
  const [removing, setRemoving] = useState<NetworkView>()
  const columns = useMemo<Column<NetworkView>[]>(() => {
    const members = new Map<string, number>()
    for (const vm of vms) for (const nic of vm.nics) members.set(nic.network_id, (members.get(nic.network_id) ?? 0) + 1)
    return [
      {
        key: 'name',
        title: t('name'),
        width: 160,
        grow: 2,
        value: network => network.name,
        render: network => <NetworkLink id={network.id} name={network.name} />,
      },
      {
        key: 'state',
        title: t('state'),
        width: 130,
        value: network => network.state,
        render: network => <StateMark state={network.state} />,
      },
      {
        key: 'kind',
        title: t('network.kind'),
        width: 150,
        value: network => network.kind,
        render: network => t(`network.${network.kind}`),
      },
      {
        key: 'cidr',
        title: t('network.cidr'),
        width: 150,
        grow: 1,
        value: network => network.cidr,
        render: network => <span className="mono">{network.cidr}</span>,
      },
      {
        key: 'gateway',
        title: t('network.gateway'),
        width: 130,
        grow: 1,
        render: network => <span className="mono">{network.gateway}</span>,
      },
      {
        key: 'dns',
        title: 'DNS',
        width: 130,
        grow: 1,
        render: network => <span className="mono">{network.dns.join(', ')}</span>,
      },
      {
        key: 'nics',
        title: t('network.members'),
        width: 110,
        value: network => members.get(network.id) ?? 0,
        render: network => <span className="number">{members.get(network.id) ?? 0}</span>,
      },
      {
        key: 'mtu',
        title: 'MTU',
        width: 80,
        optional: true,
        render: network => <span className="number">{network.mtu}</span>,
      },
      {
        key: 'do',
        title: t('actions'),
        width: 110,
        render: network => (
          <ActionButton
            size="small"
            icon={<Trash2 size={14} />}
            verdict={network.allowed_actions.delete}
            onClick={() => setRemoving(network)}
          >
            {t('delete')}
          </ActionButton>
        ),
      },
    ]
  }, [t, vms])
  return (
    <>
      <ListPage
        list="networks"
        title={t('networks')}
        {...networks}
        columns={columns}
        fields={FIELDS}
        actions={
          may('create_network') && (
            <Button type="primary" icon={<Plus size={16} />} onClick={() => setAdding(true)}>
              {t('network.new')}
            </Button>
          )
        }
        above={
          <>
            <ProblemAlert problem={change.problem} onClose={change.clear} />
            <Topology networks={networks.rows} vms={vms} />
          </>
        }
        empty={t('network.none')}
      />
      {adding && <NetworkDialog close={() => setAdding(false)} />}
      {removing && (
        <RemoveDialog
          noun={t('network')}
          name={removing.name}
          close={() => setRemoving(undefined)}
          request={plan => deleteNetwork({ path: { ref: removing.id }, query: { plan } })}
        />
      )}
    </>
  )
}
