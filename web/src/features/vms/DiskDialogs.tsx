import { Select } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { editVm, editVmDisk, type VmDiskView, type VmView } from '@/api/generated'
import { useCollection } from '@/api/use'
import { Field } from '@/ui/Field'
import { bytes } from '@/ui/format'
import { ConfirmDialog } from '../tasks/ConfirmDialog'
import { PlanDialog } from '../tasks/PlanDialog'
import { limitsDraftOf, limitsOf } from './diskLimits'
import { LimitFields } from './LimitFields'

export type DiskAsked = { action: 'attach' } | { action: 'limit' | 'detach'; disk: VmDiskView; name: string }

/** In pixels: a table of fields. */
const WIDE = 640

interface Props {
  vm: VmView
  close: () => void
}

/** The dialog for what is asked of a VM's disks. */
export function DiskDialogs({ vm, asked, close }: Props & { asked: DiskAsked }) {
  const { t } = useTranslation()
  if (asked.action === 'attach') return <AttachDisk vm={vm} close={close} />
  if (asked.action === 'limit') return <LimitDisk vm={vm} disk={asked.disk} name={asked.name} close={close} />
  return (
    <ConfirmDialog
      title={t('disk.detach_title', { disk: asked.name, name: vm.name })}
      ok={t('vm.detach')}
      danger
      close={close}
      request={plan =>
        editVm({ path: { ref: vm.id }, body: { detach_volumes: [asked.disk.volume_id] }, query: { plan } })
      }
    >
      <p>{t('disk.detach_text')}</p>
    </ConfirmDialog>
  )
}

function AttachDisk({ vm, close }: Props) {
  const { t } = useTranslation()
  const free = useCollection('volume').rows.filter(volume => volume.vm_id === null && volume.state === 'ready')
  const [chosen, setChosen] = useState<string>()
  const body = { attach_volumes: chosen ? [chosen] : [] }
  return (
    <PlanDialog
      title={`${t('vm.attach')} · ${vm.name}`}
      ok={t('vm.attach')}
      asked={chosen}
      request={plan => editVm({ path: { ref: vm.id }, body, query: { plan } })}
      close={close}
    >
      {wrong => (
        <Field label={t('volume')} error={wrong('attach_volumes.0')} hint={t('disk.attach_hint')}>
          <Select
            value={chosen}
            onChange={setChosen}
            options={free.map(volume => ({ value: volume.id, label: `${volume.name} · ${bytes(volume.size)}` }))}
            placeholder={free.length === 0 ? t('vm.no_free_volume') : ''}
            showSearch={{ optionFilterProp: 'label' }}
          />
        </Field>
      )}
    </PlanDialog>
  )
}

/** How fast a disk may be: all its limits at once, as the API takes them. */
function LimitDisk({ vm, disk, name, close }: Props & { disk: VmDiskView; name: string }) {
  const { t } = useTranslation()
  const [before] = useState(() => limitsDraftOf(disk.limits))
  const [draft, setDraft] = useState(before)
  const limits = limitsOf(draft)
  const body = { limits: limits ?? {} }
  const changed = JSON.stringify(limits) !== JSON.stringify(limitsOf(before))
  return (
    <PlanDialog
      title={t('disk.limit_title', { disk: name, name: vm.name })}
      ok={t('save')}
      asked={limits && changed ? JSON.stringify(body) : undefined}
      request={plan => editVmDisk({ path: { ref: vm.id, disk: disk.volume_id }, body, query: { plan } })}
      close={close}
      width={WIDE}
    >
      <p className="quiet">{t('disk.limit_text')}</p>
      <LimitFields draft={draft} set={setDraft} />
    </PlanDialog>
  )
}
