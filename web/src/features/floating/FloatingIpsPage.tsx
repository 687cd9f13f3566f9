import { Button } from 'antd'
import { Plus } from 'lucide-react'
import { useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { FloatingIpView } from '@/api/generated'
import { useCollection, useNames } from '@/api/use'
import { useSession } from '@/app/session'
import { ActionButton } from '@/ui/ActionButton'
import type { Fields } from '@/ui/filter'
import { ListPage } from '@/ui/ListPage'
import type { Column } from '@/ui/VirtualTable'
import { useLeadingColumns } from '../networks/columns'
import { type FloatingAction, FloatingIpAsked, FloatingIpDialog } from './FloatingIpDialogs'

type Ask = (action: FloatingAction, floating: FloatingIpView) => void

export function FloatingIpsPage() {
  const { t } = useTranslation()
  const { may } = useSession()
  const floating = useCollection('floating_ip')
  const networks = useNames('network')
  const vms = useNames('vm')
  const [adding, setAdding] = useState(false)
  const [asked, setAsked] = useState<{ action: FloatingAction; floating: FloatingIpView }>()
  const ask: Ask = (action, one) => setAsked({ action, floating: one })
  const columns = useColumns(ask)
  const fields = useMemo<Fields<FloatingIpView>>(
    () => ({
      '': one => [one.address, one.inside, vms.name(one.vm_id)],
      net: one => networks.name(one.network_id),
      vm: one => vms.name(one.vm_id),
      state: one => one.state,
      is: one => (one.vm_id ? 'attached' : 'free'),
    }),
    [networks, vms],
  )
  return (
    <>
      <ListPage
        list="floating"
        title={t('floatings')}
        intro={t('floating.intro')}
        {...floating}
        columns={columns}
        fields={fields}
        suggestions={[
          { term: 'is:free', label: t('volume.free') },
          { term: 'is:attached', label: t('volume.attached') },
        ]}
        actions={
          may('create_floating_ip') && (
            <Button type="primary" icon={<Plus size={16} />} onClick={() => setAdding(true)}>
              {t('floating.new')}
            </Button>
          )
        }
        sort="address"
        empty={t('floating.none')}
      />
      {adding && <FloatingIpDialog close={() => setAdding(false)} />}
      <FloatingIpAsked asked={asked} close={() => setAsked(undefined)} />
    </>
  )
}

function useColumns(ask: Ask): Column<FloatingIpView>[] {
  const { t } = useTranslation()
  const leading = useLeadingColumns<FloatingIpView>()
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is asked does not change what is shown
  return useMemo<Column<FloatingIpView>[]>(
    () => [
      {
        key: 'address',
        title: t('address'),
        width: 160,
        grow: 1,
        value: one => one.address,
        render: one => <strong className="mono">{one.address}</strong>,
      },
      ...leading,
      {
        key: 'inside',
        title: t('floating.inside'),
        width: 140,
        value: one => one.inside,
        render: one => <span className="mono">{one.inside}</span>,
      },
      { key: 'do', title: t('actions'), width: 200, render: one => <FloatingIpButtons floating={one} ask={ask} /> },
    ],
    [t, leading],
  )
}

/** Attach or detach, whichever it is ready for, and delete. */
export function FloatingIpButtons({ floating, ask }: { floating: FloatingIpView; ask: Ask }) {
  const { t } = useTranslation()
  const may = floating.allowed_actions
  const turn = floating.vm_id ? 'detach' : 'attach'
  return (
    <>
      <ActionButton size="small" verdict={may[turn]} onClick={() => ask(turn, floating)}>
        {turn === 'attach' ? t('floating.attach') : t('vm.detach')}
      </ActionButton>
      <ActionButton size="small" verdict={may.delete} onClick={() => ask('delete', floating)}>
        {t('delete')}
      </ActionButton>
    </>
  )
}
