import { Checkbox, Input } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { createSnapshot, type VmView } from '@/api/generated'
import { Field, NameField } from '@/ui/Field'
import { PlanDialog } from '../tasks/PlanDialog'

/** A new snapshot of all disks; whether its guest can be asked to write out, the plan tells. */
export function SnapshotDialog({ vm, close }: { vm: VmView; close: () => void }) {
  const { t } = useTranslation()
  const [draft, setDraft] = useState({ name: '', description: '', quiesce: false })
  return (
    <PlanDialog
      title={t('snapshot.new_title', { name: vm.name })}
      ok={t('snapshot.take')}
      log={`${t('snapshot.new')} ${draft.name} · ${vm.name}`}
      asked={draft.name ? JSON.stringify(draft) : undefined}
      request={plan => createSnapshot({ path: { ref: vm.id }, body: draft, query: { plan } })}
      close={close}
    >
      {wrong => (
        <>
          <p className="quiet">{t('snapshot.text')}</p>
          <NameField value={draft.name} onChange={name => setDraft({ ...draft, name })} error={wrong('name')} />
          <Field label={t('description')} error={wrong('description')}>
            <Input
              value={draft.description}
              onChange={event => setDraft({ ...draft, description: event.target.value })}
            />
          </Field>
          {vm.state === 'running' && (
            <Checkbox checked={draft.quiesce} onChange={event => setDraft({ ...draft, quiesce: event.target.checked })}>
              {t('snapshot.quiesce')}
            </Checkbox>
          )}
        </>
      )}
    </PlanDialog>
  )
}
