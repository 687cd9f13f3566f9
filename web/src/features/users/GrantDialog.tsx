import { useQueryClient } from '@tanstack/react-query'
import { Input, Select } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { createGrant, type GroupView, type RoleView, type ScopeKind, type UserView } from '@/api/generated'
import { ChangeDialog } from '@/ui/ChangeDialog'
import { Field } from '@/ui/Field'
import { useChange } from '../tasks/change'

interface Props {
  users: UserView[]
  groups: GroupView[]
  roles: RoleView[]
  close: () => void
}

const SCOPES: ScopeKind[] = ['everything', 'project', 'pool', 'object']

export function GrantDialog({ users, groups, roles, close }: Props) {
  const { t } = useTranslation()
  const client = useQueryClient()
  const change = useChange()
  const [subject, setSubject] = useState<string>()
  const [role, setRole] = useState<string>()
  const [scope, setScope] = useState<{ kind: ScopeKind; id: string }>({ kind: 'everything', id: '' })
  const submit = async () => {
    if (!subject || !role) return
    const subject_kind = groups.some(group => group.id === subject) ? 'group' : 'account'
    const body = { subject, subject_kind, role, scope } as const
    if (!(await change.run(`${t('grant.give')} ${role}`, () => createGrant({ body })))) return
    await client.invalidateQueries({ queryKey: ['grants'] })
    close()
  }
  return (
    <ChangeDialog
      title={t('grant.give')}
      ok={t('grant.give')}
      disabled={!subject || !role || (scope.kind !== 'everything' && !scope.id)}
      {...change}
      close={close}
      submit={submit}
    >
      <Field label={t('grant.subject')}>
        <Select
          value={subject}
          onChange={setSubject}
          showSearch={{ optionFilterProp: 'label' }}
          options={[
            { label: t('users'), options: users.map(({ id, name }) => ({ value: id, label: name })) },
            { label: t('groups'), options: groups.map(({ id, name }) => ({ value: id, label: name })) },
          ]}
        />
      </Field>
      <Field label={t('role')}>
        <Select value={role} onChange={setRole} options={roles.map(({ name }) => ({ value: name, label: name }))} />
      </Field>
      <Field label={t('grant.scope')}>
        <Select
          value={scope.kind}
          onChange={kind => setScope({ kind, id: '' })}
          options={SCOPES.map(kind => ({ value: kind, label: t(`scope.${kind}`) }))}
        />
      </Field>
      {scope.kind !== 'everything' && (
        <Field label="ID" hint={t('grant.scope_id')}>
          <Input value={scope.id} onChange={event => setScope({ ...scope, id: event.target.value.trim() })} />
        </Field>
      )}
    </ChangeDialog>
  )
}
