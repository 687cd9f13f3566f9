import { useQueryClient } from '@tanstack/react-query'
import { Select } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { createGrant, type RoleView, type UserView } from '@/api/generated'
import { ChangeDialog } from '@/ui/ChangeDialog'
import { useChange } from '../tasks/change'
import { Field } from '../vms/CreateParts'

export function GrantDialog({ users, roles, close }: { users: UserView[]; roles: RoleView[]; close: () => void }) {
  const { t } = useTranslation()
  const client = useQueryClient()
  const change = useChange()
  const [subject, setSubject] = useState<string>()
  const [role, setRole] = useState<string>()
  const submit = async () => {
    if (!subject || !role) return
    if (!(await change.run(`${t('grant.give')} ${role}`, () => createGrant({ body: { subject, role } })))) return
    await client.invalidateQueries({ queryKey: ['grants'] })
    close()
  }
  return (
    <ChangeDialog
      title={t('grant.give')}
      ok={t('grant.give')}
      disabled={!subject || !role}
      {...change}
      close={close}
      submit={submit}
    >
      <Field label={t('user')}>
        <Select
          value={subject}
          onChange={setSubject}
          showSearch={{ optionFilterProp: 'label' }}
          options={users.map(({ id, name }) => ({ value: id, label: name }))}
        />
      </Field>
      <Field label={t('role')}>
        <Select value={role} onChange={setRole} options={roles.map(({ name }) => ({ value: name, label: name }))} />
      </Field>
    </ChangeDialog>
  )
}
