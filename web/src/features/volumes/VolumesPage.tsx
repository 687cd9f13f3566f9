import { Link } from '@tanstack/react-router'
import { Button } from 'antd'
import { Plus } from 'lucide-react'
import { useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { deleteVolume, type VolumeView } from '@/api/generated'
import { useCollection, useNames } from '@/api/use'
import { useSession } from '@/app/session'
import { ActionButton } from '@/ui/ActionButton'
import type { Fields } from '@/ui/filter'
import { bytes } from '@/ui/format'
import { ListPage } from '@/ui/ListPage'
import { Meter } from '@/ui/Page'
import { StateMark } from '@/ui/StateMark'
import type { Column } from '@/ui/VirtualTable'
import { RemoveDialog } from '../tasks/RemoveDialog'
import { Storages } from './Storages'
import { GrowDialog, VolumeDialog } from './VolumeDialogs'

const FIELDS: Fields<VolumeView> = {
  '': volume => volume.name,
  state: volume => volume.state,
  is: volume => (volume.vm_id ? 'attached' : 'free'),
}
type Asked = { what: 'grow' | 'delete'; volume: VolumeView } | { what: 'new' }

export function VolumesPage() {
  const { t } = useTranslation()
  const { may } = useSession()
  const volumes = useCollection('volume')
  const [asked, setAsked] = useState<Asked>()
  const close = () => setAsked(undefined)
  return (
    <>
      <ListPage
        list="volumes"
        title={t('volumes')}
        {...volumes}
        columns={useColumns(setAsked)}
        fields={FIELDS}
        suggestions={[
          { term: 'is:free', label: t('volume.free') },
          { term: 'is:attached', label: t('volume.attached') },
        ]}
        actions={
          may('create_volume') && (
            <Button type="primary" icon={<Plus size={16} />} onClick={() => setAsked({ what: 'new' })}>
              {t('volume.new')}
            </Button>
          )
        }
        above={<Storages />}
        empty={t('volume.none')}
      />
      {asked?.what === 'new' && <VolumeDialog close={close} />}
      {asked?.what === 'grow' && <GrowDialog volume={asked.volume} close={close} />}
      {asked?.what === 'delete' && (
        <RemoveDialog
          noun={t('volume')}
          name={asked.volume.name}
          close={close}
          request={plan => deleteVolume({ path: { ref: asked.volume.id }, query: { plan } })}
        />
      )}
    </>
  )
}

function useColumns(ask: (asked: Asked) => void): Column<VolumeView>[] {
  const { t } = useTranslation()
  const vms = useNames('vm')
  const storages = useNames('storage')
  return useMemo(
    () => [
      {
        key: 'name',
        title: t('name'),
        width: 180,
        grow: 2,
        value: volume => volume.name,
        render: volume => <strong>{volume.name}</strong>,
      },
      {
        key: 'state',
        title: t('state'),
        width: 120,
        value: volume => volume.state,
        render: volume => <StateMark state={volume.state} />,
      },
      {
        key: 'size',
        title: t('size'),
        width: 100,
        value: volume => volume.size,
        render: volume => <span className="number">{bytes(volume.size)}</span>,
      },
      {
        key: 'allocation',
        title: t('volume.allocated'),
        width: 190,
        grow: 1,
        value: volume => volume.allocation,
        render: volume => (
          <Meter used={volume.allocation / Math.max(1, volume.size)} label={bytes(volume.allocation)} tone="good" />
        ),
      },
      {
        key: 'vm',
        title: 'VM',
        width: 140,
        grow: 1,
        value: volume => vms.name(volume.vm_id),
        render: volume =>
          volume.vm_id && (
            <Link to="/vms/$id" params={{ id: volume.vm_id }}>
              {vms.name(volume.vm_id)}
            </Link>
          ),
      },
      {
        key: 'storage',
        title: t('storage'),
        width: 120,
        grow: 1,
        value: volume => storages.name(volume.storage_id),
        render: volume => storages.name(volume.storage_id),
      },
      {
        key: 'do',
        title: t('actions'),
        width: 200,
        render: volume => (
          <span className="row-actions">
            <ActionButton
              size="small"
              verdict={volume.allowed_actions.resize}
              onClick={() => ask({ what: 'grow', volume })}
            >
              {t('volume.grow')}
            </ActionButton>
            <ActionButton
              size="small"
              verdict={volume.allowed_actions.delete}
              onClick={() => ask({ what: 'delete', volume })}
            >
              {t('delete')}
            </ActionButton>
          </span>
        ),
      },
    ],
    [t, vms, storages, ask],
  )
}
