import { Link } from '@tanstack/react-router'
import { Button, Tag } from 'antd'
import { Plus } from 'lucide-react'
import { useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { HostView } from '@/api/generated'
import { useCollection, useNames } from '@/api/use'
import { useSession } from '@/app/session'
import type { Fields } from '@/ui/filter'
import { bytes } from '@/ui/format'
import { ListPage } from '@/ui/ListPage'
import { Meter } from '@/ui/Page'
import { StateMark } from '@/ui/StateMark'
import type { Column } from '@/ui/VirtualTable'
import { EnrolDialog } from './EnrolDialog'
import { usePromised } from './promised'

const FIELDS: Fields<HostView> = {
  '': host => [host.name, host.address, ...host.tags],
  state: host => host.state,
  tag: host => host.tags,
  is: host => (host.maintenance ? 'maintenance' : ''),
}

export function HostsPage() {
  const { t } = useTranslation()
  const { may } = useSession()
  const hosts = useCollection('host')
  const [adding, setAdding] = useState(false)
  return (
    <>
      <ListPage
        list="hosts"
        title={t('hosts')}
        {...hosts}
        columns={useColumns()}
        fields={FIELDS}
        suggestions={[
          { term: 'state:up', label: t('state.up') },
          { term: 'is:maintenance', label: t('state.maintenance') },
          { term: 'state:unreachable', label: t('state.unreachable') },
        ]}
        actions={
          may('create_enrolment') && (
            <Button type="primary" icon={<Plus size={16} />} onClick={() => setAdding(true)}>
              {t('host.add')}
            </Button>
          )
        }
        empty={t('host.none')}
      />
      {adding && <EnrolDialog close={() => setAdding(false)} />}
    </>
  )
}

function useColumns(): Column<HostView>[] {
  const { t } = useTranslation()
  const pools = useNames('pool')
  const promised = usePromised()
  return useMemo(
    () => [
      {
        key: 'name',
        title: t('name'),
        width: 160,
        grow: 2,
        value: host => host.name,
        render: host => (
          <Link to="/hosts/$id" params={{ id: host.id }} className="name">
            {host.name}
          </Link>
        ),
      },
      {
        key: 'state',
        title: t('state'),
        width: 150,
        value: host => host.state,
        render: host => <StateMark state={host.state} />,
      },
      {
        key: 'vms',
        title: t('vms'),
        width: 80,
        value: host => promised.get(host.id)?.vms ?? 0,
        render: host => <span className="number">{promised.get(host.id)?.vms ?? 0}</span>,
      },
      {
        key: 'threads',
        title: t('host.threads'),
        width: 110,
        value: host => host.facts?.cpu.threads,
        render: host => <span className="number">{host.facts?.cpu.threads}</span>,
      },
      {
        key: 'memory',
        title: t('memory'),
        width: 220,
        grow: 1,
        value: host => host.facts?.memory,
        render: host =>
          host.facts && (
            <Meter
              used={(promised.get(host.id)?.memory ?? 0) / host.facts.memory}
              label={`${bytes(promised.get(host.id)?.memory ?? 0)} / ${bytes(host.facts.memory)}`}
            />
          ),
      },
      {
        key: 'pool',
        title: t('pool'),
        width: 110,
        grow: 1,
        value: host => pools.name(host.pool_id),
        render: host => pools.name(host.pool_id),
      },
      {
        key: 'tags',
        title: t('tags'),
        width: 140,
        grow: 1,
        render: host => host.tags.map(tag => <Tag key={tag}>{tag}</Tag>),
      },
      {
        key: 'acceleration',
        title: t('host.acceleration'),
        width: 110,
        render: host => host.facts?.acceleration.toUpperCase(),
      },
      {
        key: 'address',
        title: t('address'),
        width: 170,
        optional: true,
        render: host => <span className="mono">{host.address}</span>,
      },
    ],
    [t, pools, promised],
  )
}
