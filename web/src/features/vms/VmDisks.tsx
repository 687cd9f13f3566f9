import { Button, Select } from 'antd'
import { Unplug } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { editVm, type VmView } from '@/api/generated'
import { useCollection, useNames } from '@/api/use'
import { ActionButton } from '@/ui/ActionButton'
import { bytes } from '@/ui/format'
import { Card, Empty, Meter } from '@/ui/Page'
import { ProblemAlert } from '@/ui/ProblemAlert'
import { useChange } from '../tasks/change'

export function VmDisks({ vm }: { vm: VmView }) {
  const { t } = useTranslation()
  const { rows } = useCollection('volume')
  const volumes = useNames('volume')
  const change = useChange()
  const [added, setAdded] = useState<string>()
  const free = rows.filter(volume => volume.vm_id === null && volume.state === 'ready')
  const edit = (title: string, body: { attach_volumes?: string[]; detach_volumes?: string[] }) =>
    change.run(`${title} · ${vm.name}`, () => editVm({ path: { ref: vm.id }, body }))
  return (
    <Card title={t('vm.disks', { count: vm.disks.length })}>
      <ProblemAlert problem={change.problem} onClose={change.clear} />
      {vm.disks.length === 0 && <Empty>{t('vm.no_disks')}</Empty>}
      <ul className="devices">
        {vm.disks.map((disk, index) => {
          const volume = volumes.get(disk.volume_id)
          return (
            <li key={disk.volume_id}>
              <strong>{volume?.name ?? disk.volume_id}</strong>
              <span className="quiet">
                {disk.bus}
                {index === 0 && ` · ${t('vm.boots')}`}
              </span>
              {volume && (
                <Meter
                  used={volume.allocation / Math.max(1, volume.size)}
                  label={`${bytes(volume.allocation)} / ${bytes(volume.size)}`}
                />
              )}
              <ActionButton
                size="small"
                icon={<Unplug size={14} />}
                verdict={vm.allowed_actions.edit}
                onClick={() => edit(t('vm.detach'), { detach_volumes: [disk.volume_id] })}
              >
                {t('vm.detach')}
              </ActionButton>
            </li>
          )
        })}
      </ul>
      {vm.allowed_actions.edit?.allowed && (
        <div className="field-row">
          <Select
            aria-label={t('vm.attach')}
            placeholder={free.length > 0 ? t('vm.attach') : t('vm.no_free_volume')}
            value={added}
            onChange={setAdded}
            options={free.map(volume => ({ value: volume.id, label: `${volume.name} · ${bytes(volume.size)}` }))}
            showSearch={{ optionFilterProp: 'label' }}
          />
          <Button
            disabled={!added}
            onClick={() =>
              added && void edit(t('vm.attach'), { attach_volumes: [added] }).then(() => setAdded(undefined))
            }
          >
            {t('vm.attach')}
          </Button>
        </div>
      )}
    </Card>
  )
}
