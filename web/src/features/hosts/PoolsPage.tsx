import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import type { PoolView } from '@/api/generated'
import { useCollection } from '@/api/use'
import type { Fields } from '@/ui/filter'
import { ListPage } from '@/ui/ListPage'
import type { Column } from '@/ui/VirtualTable'

const FIELDS: Fields<PoolView> = { '': pool => pool.name }

export function PoolsPage() {
  const { t } = useTranslation()
  const pools = useCollection('pool')
  const hosts = useCollection('host').rows
  const columns = useMemo<Column<PoolView>[]>(
    () => [
      {
        key: 'name',
        title: t('name'),
        width: 180,
        grow: 1,
        value: pool => pool.name,
        render: pool => <strong>{pool.name}</strong>,
      },
      {
        key: 'hosts',
        title: t('hosts'),
        width: 180,
        grow: 2,
        render: pool =>
          hosts
            .filter(host => host.pool_id === pool.id)
            .map(host => host.name)
            .join(', '),
      },
      {
        key: 'vcpus',
        title: t('pool.vcpu_ratio'),
        width: 150,
        value: pool => pool.vcpu_ratio,
        render: pool => <span className="number">{pool.vcpu_ratio} : 1</span>,
      },
      {
        key: 'memory',
        title: t('pool.memory_ratio'),
        width: 150,
        value: pool => pool.memory_ratio,
        render: pool => <span className="number">{pool.memory_ratio} : 1</span>,
      },
      {
        key: 'cpu',
        title: t('pool.cpu'),
        width: 180,
        grow: 1,
        render: pool => pool.baselines.map(({ cpu }) => cpu?.model ?? '–').join(', '),
      },
      {
        key: 'refused',
        title: t('pool.refused'),
        width: 220,
        grow: 2,
        render: pool =>
          pool.baselines.flatMap(({ refused }) => refused.map(one => `${one.host_name}: ${one.reason}`)).join(' '),
      },
    ],
    [t, hosts],
  )
  return (
    <ListPage list="pools" title={t('pools')} {...pools} columns={columns} fields={FIELDS} empty={t('pool.none')} />
  )
}
