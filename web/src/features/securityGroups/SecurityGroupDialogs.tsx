import { Input, Select } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { createSecurityGroup, deleteSecurityGroup, editSecurityGroup, type SecurityGroupView } from '@/api/generated'
import { useCollection } from '@/api/use'
import { changesOf } from '@/ui/changes'
import { Field, NameField } from '@/ui/Field'
import { PlanDialog } from '../tasks/PlanDialog'
import { RemoveDialog } from '../tasks/RemoveDialog'

/** A new group; its rules are made on its page. */
export function SecurityGroupDialog({ close }: { close: () => void }) {
  const { t } = useTranslation()
  const projects = useCollection('project').rows
  const [draft, setDraft] = useState({ name: '', description: '', project: '' })
  const set = (changes: Partial<typeof draft>) => setDraft({ ...draft, ...changes })
  const { project, ...rest } = draft
  const body = project ? draft : rest
  return (
    <PlanDialog
      title={t('security_group.new')}
      ok={t('create')}
      log={`${t('security_group.new')} ${draft.name}`}
      asked={draft.name ? JSON.stringify(body) : undefined}
      request={plan => createSecurityGroup({ body, query: { plan } })}
      close={close}
    >
      {wrong => (
        <>
          <p className="quiet">{t('security_group.new_text')}</p>
          <NameField value={draft.name} onChange={name => set({ name })} error={wrong('name')} />
          <Field label={t('description')} error={wrong('description')}>
            <Input value={draft.description} onChange={event => set({ description: event.target.value })} />
          </Field>
          {projects.length > 1 && (
            <Field label={t('project')} error={wrong('project')}>
              <Select
                allowClear
                value={project || undefined}
                onChange={id => set({ project: id ?? '' })}
                options={projects.map(({ id, name }) => ({ value: id, label: name }))}
              />
            </Field>
          )}
        </>
      )}
    </PlanDialog>
  )
}

export function EditSecurityGroup({ group, close }: { group: SecurityGroupView; close: () => void }) {
  const { t } = useTranslation()
  const [before] = useState({ name: group.name, description: group.description })
  const [draft, setDraft] = useState(before)
  const body = changesOf(before, draft)
  const changed = Object.keys(body).length > 0
  return (
    <PlanDialog
      title={t('vm.edit_title', { name: group.name })}
      ok={t('save')}
      asked={changed && draft.name ? JSON.stringify(body) : undefined}
      request={plan => editSecurityGroup({ path: { ref: group.id }, body, query: { plan } })}
      close={close}
    >
      {wrong => (
        <>
          <NameField value={draft.name} onChange={name => setDraft({ ...draft, name })} error={wrong('name')} />
          <Field label={t('description')} error={wrong('description')}>
            <Input
              value={draft.description}
              onChange={event => setDraft({ ...draft, description: event.target.value })}
            />
          </Field>
        </>
      )}
    </PlanDialog>
  )
}

interface RemoveProps {
  group: SecurityGroupView
  close: () => void
  /** It is being deleted. */
  gone?: () => void
}

export function RemoveSecurityGroup({ group, close, gone }: RemoveProps) {
  const { t } = useTranslation()
  return (
    <RemoveDialog
      noun={t('security_group')}
      name={group.name}
      close={close}
      request={async plan => {
        const answer = await deleteSecurityGroup({ path: { ref: group.id }, query: { plan } })
        if (!plan && answer.error === undefined) gone?.()
        return answer
      }}
    />
  )
}
