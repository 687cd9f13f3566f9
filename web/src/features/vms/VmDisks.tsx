import { Button } from 'antd'
import { Gauge, Plus, Unplug } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { VmDiskView, VmView } from '@/api/generated'
import { useNames } from '@/api/use'
import { useSession } from '@/app/session'
import { ActionButton } from '@/ui/ActionButton'
import { bytes } from '@/ui/format'
import { Card, Empty, Facts, Meter } from '@/ui/Page'
import { VolumeDialog } from '../volumes/VolumeDialogs'
import { type DiskAsked, DiskDialogs } from './DiskDialogs'
import { limitsShown } from './diskLimits'

export function VmDisks({ vm }: { vm: VmView }) {
  const { t } = useTranslation()
  const { may } = useSession()
  const [asked, setAsked] = useState<DiskAsked>()
  const [making, setMaking] = useState(false)
  const actions = (
    <span className="row-actions">
      {may('create_volume') && (
        <Button size="small" icon={<Plus size={14} />} onClick={() => setMaking(true)}>
          {t('volume.new')}
        </Button>
      )}
      <ActionButton
        size="small"
        icon={<Plus size={14} />}
        verdict={vm.allowed_actions.edit}
        onClick={() => setAsked({ action: 'attach' })}
      >
        {t('vm.attach')}
      </ActionButton>
    </span>
  )
  return (
    <Card title={t('vm.disks', { count: vm.disks.length })} extra={actions}>
      {vm.disks.length === 0 && <Empty>{t('vm.no_disks')}</Empty>}
      <ul className="parts">
        {vm.disks.map((disk, index) => (
          <Disk key={disk.volume_id} vm={vm} disk={disk} boots={index === 0} ask={setAsked} />
        ))}
      </ul>
      {asked && <DiskDialogs vm={vm} asked={asked} close={() => setAsked(undefined)} />}
      {making && <VolumeDialog close={() => setMaking(false)} />}
    </Card>
  )
}

interface DiskProps {
  vm: VmView
  disk: VmDiskView
  boots: boolean
  ask: (asked: DiskAsked) => void
}

function Disk({ vm, disk, boots, ask }: DiskProps) {
  const { t } = useTranslation()
  const volumes = useNames('volume')
  const storages = useNames('storage')
  const volume = volumes.get(disk.volume_id)
  const name = volumes.name(disk.volume_id)
  const verdict = vm.allowed_actions.edit
  return (
    <li>
      <div className="part-head">
        <strong>{name}</strong>
        <span className="quiet">
          {disk.bus}
          {boots && ` · ${t('vm.boots')}`}
        </span>
        {volume && (
          <Meter
            used={volume.allocation / Math.max(1, volume.size)}
            label={`${bytes(volume.allocation)} / ${bytes(volume.size)}`}
          />
        )}
        <span className="row-actions part-do">
          <ActionButton
            size="small"
            icon={<Gauge size={14} />}
            verdict={verdict}
            onClick={() => ask({ action: 'limit', disk, name })}
          >
            {t('disk.limits')}
          </ActionButton>
          <ActionButton
            size="small"
            danger
            icon={<Unplug size={14} />}
            verdict={verdict}
            onClick={() => ask({ action: 'detach', disk, name })}
          >
            {t('vm.detach')}
          </ActionButton>
        </span>
      </div>
      <Facts
        rows={[
          [t('storage'), volume && storages.name(volume.storage_id)],
          ...limitsShown(disk.limits).map(({ kind, text }): [string, string] => [t(`disk.${kind}`), text]),
        ]}
      />
    </li>
  )
}
