import { Button } from 'antd'
import { Plus } from 'lucide-react'
import { useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { deleteForward, type ForwardView } from '@/api/generated'
import { useCollection, useNames } from '@/api/use'
import { useSession } from '@/app/session'
import { ActionButton } from '@/ui/ActionButton'
import type { Fields } from '@/ui/filter'
import { ListPage } from '@/ui/ListPage'
import type { Column } from '@/ui/VirtualTable'
import { useLeadingColumns } from '../networks/columns'
import { RemoveDialog } from '../tasks/RemoveDialog'
import { ForwardDialog } from './ForwardDialog'

export function ForwardsPage() {
  const { t } = useTranslation()
  const { may } = useSession()
  const forwards = useCollection('forward')
  const networks = useNames('network')
  const vms = useNames('vm')
  const [adding, setAdding] = useState(false)
  const [removing, setRemoving] = useState<ForwardView>()
  const columns = useColumns(setRemoving)
  const fields = useMemo<Fields<ForwardView>>(
    () => ({
      '': one => [one.name, one.address, String(one.port), vms.name(one.vm_id)],
      net: one => networks.name(one.network_id),
      vm: one => vms.name(one.vm_id),
      port: one => String(one.port),
      state: one => one.state,
    }),
    [networks, vms],
  )
  return (
    <>
      <ListPage
        list="forwards"
        title={t('forwards')}
        intro={t('forward.intro')}
        {...forwards}
        columns={columns}
        fields={fields}
        actions={
          may('create_forward') && (
            <Button type="primary" icon={<Plus size={16} />} onClick={() => setAdding(true)}>
              {t('forward.new')}
            </Button>
          )
        }
        sort="port"
        empty={t('forward.none')}
      />
      {adding && <ForwardDialog close={() => setAdding(false)} />}
      {removing && <RemoveForward forward={removing} close={() => setRemoving(undefined)} />}
    </>
  )
}

export function RemoveForward({ forward, close }: { forward: ForwardView; close: () => void }) {
  const { t } = useTranslation()
  return (
    <RemoveDialog
      noun={t('forward')}
      name={forward.name}
      close={close}
      request={plan => deleteForward({ path: { ref: forward.id }, query: { plan } })}
    />
  )
}

function useColumns(remove: (forward: ForwardView) => void): Column<ForwardView>[] {
  const { t } = useTranslation()
  const leading = useLeadingColumns<ForwardView>()
  return useMemo<Column<ForwardView>[]>(
    () => [
      {
        key: 'port',
        title: t('forward.port'),
        width: 200,
        grow: 1,
        value: one => one.port,
        render: one => <Outside forward={one} />,
      },
      ...leading,
      {
        key: 'inside',
        title: t('floating.inside'),
        width: 180,
        render: one => (
          <span className="mono">
            {one.inside}:{one.inside_port}
          </span>
        ),
      },
      {
        key: 'do',
        title: t('actions'),
        width: 110,
        render: one => (
          <ActionButton size="small" verdict={one.allowed_actions.delete} onClick={() => remove(one)}>
            {t('delete')}
          </ActionButton>
        ),
      },
    ],
    [t, leading, remove],
  )
}

/** Where a forward begins. */
export function Outside({ forward }: { forward: ForwardView }) {
  const { t } = useTranslation()
  return (
    <span className="mono">
      {forward.address || t('forward.host')}:{forward.port}/{forward.protocol}
    </span>
  )
}
