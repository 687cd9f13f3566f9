import { Checkbox, Input } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { createSnapshot, type VmView } from '@/api/generated'
import { fieldMessage } from '@/api/problem'
import { ChangeDialog } from '@/ui/ChangeDialog'
import { useChange } from '../tasks/change'
import { Plan } from '../tasks/Plan'
import { usePlan } from '../tasks/usePlan'
import { Field } from '../vms/CreateParts'

/** A new snapshot of all disks; whether its guest can be asked to write out, the plan tells. */
export function SnapshotDialog({ vm, close }: { vm: VmView; close: () => void }) {
  const { t } = useTranslation()
  const change = useChange()
  const [draft, setDraft] = useState({ name: '', description: '', quiesce: false })
  const path = { ref: vm.id }
  const plan = usePlan(draft.name ? JSON.stringify(draft) : undefined, () =>
    createSnapshot({ path, body: draft, query: { plan: true } }),
  )
  const submit = async () => {
    const title = `${t('snapshot.new')} ${draft.name} · ${vm.name}`
    if (await change.run(title, () => createSnapshot({ path, body: draft }))) close()
  }
  return (
    <ChangeDialog
      title={t('snapshot.new_title', { name: vm.name })}
      ok={t('snapshot.take')}
      disabled={!draft.name || plan.loading || plan.problem !== undefined}
      {...change}
      close={close}
      submit={submit}
    >
      <p className="quiet">{t('snapshot.text')}</p>
      <Field label={t('name')} error={fieldMessage(change.problem ?? plan.problem, 'name')}>
        <Input value={draft.name} onChange={event => setDraft({ ...draft, name: event.target.value })} autoFocus />
      </Field>
      <Field label={t('description')} error={fieldMessage(change.problem ?? plan.problem, 'description')}>
        <Input value={draft.description} onChange={event => setDraft({ ...draft, description: event.target.value })} />
      </Field>
      {vm.state === 'running' && (
        <Checkbox checked={draft.quiesce} onChange={event => setDraft({ ...draft, quiesce: event.target.checked })}>
          {t('snapshot.quiesce')}
        </Checkbox>
      )}
      <Plan {...plan} />
    </ChangeDialog>
  )
}
