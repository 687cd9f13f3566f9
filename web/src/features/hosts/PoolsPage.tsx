import { Button } from 'antd'
import { Plus } from 'lucide-react'
import { useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { deletePool, type PoolView } from '@/api/generated'
import { useCollection } from '@/api/use'
import { useSession } from '@/app/session'
import { ActionButton } from '@/ui/ActionButton'
import type { Fields } from '@/ui/filter'
import { ListPage } from '@/ui/ListPage'
import type { Column } from '@/ui/VirtualTable'
import { RemoveDialog } from '../tasks/RemoveDialog'
import { PoolDialog } from './PoolDialog'

const FIELDS: Fields<PoolView> = { '': pool => pool.name }

type Asked = { action: 'create' } | { action: 'edit' | 'delete'; pool: PoolView }

export function PoolsPage() {
  const { t } = useTranslation()
  const { may } = useSession()
  const pools = useCollection('pool')
  const [asked, setAsked] = useState<Asked>()
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
      {
        key: 'outside',
        title: t('pool.outside'),
        width: 190,
        optional: true,
        render: pool => <span className="mono">{pool.outside}</span>,
      },
      {
        key: 'do',
        title: t('actions'),
        width: 190,
        render: pool =>
          (['edit', 'delete'] as const).map(action => (
            <ActionButton
              key={action}
              size="small"
              verdict={pool.allowed_actions[action]}
              onClick={() => setAsked({ action, pool })}
            >
              {t(`vm.do.${action}`)}
            </ActionButton>
          )),
      },
    ],
    [t, hosts],
  )
  return (
    <>
      <ListPage
        list="pools"
        title={t('pools')}
        {...pools}
        columns={columns}
        fields={FIELDS}
        actions={
          may('create_pool') && (
            <Button type="primary" icon={<Plus size={16} />} onClick={() => setAsked({ action: 'create' })}>
              {t('pool.new')}
            </Button>
          )
        }
        empty={t('pool.none')}
      />
      {asked && <PoolAsked asked={asked} close={() => setAsked(undefined)} />}
    </>
  )
}

/** The dialog for what is asked of a pool. */
export function PoolAsked({ asked, close }: { asked: Asked; close: () => void }) {
  const { t } = useTranslation()
  if (asked.action === 'create') return <PoolDialog close={close} />
  if (asked.action === 'edit') return <PoolDialog pool={asked.pool} close={close} />
  return (
    <RemoveDialog
      noun={t('pool')}
      name={asked.pool.name}
      close={close}
      request={() => deletePool({ path: { ref: asked.pool.id } })}
      planned={false}
    />
  )
}
