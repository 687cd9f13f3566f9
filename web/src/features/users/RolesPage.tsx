import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Button, Tag } from 'antd'
import { Plus, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { ask } from '@/api/ask'
import { deleteGrant, type GrantView, listGrants, listRoles } from '@/api/generated'
import { asProblem } from '@/api/problem'
import { useSession } from '@/app/session'
import { Ago } from '@/ui/Ago'
import { Card, Empty, Page } from '@/ui/Page'
import { ProblemAlert } from '@/ui/ProblemAlert'
import { useChange } from '../tasks/change'
import { GrantDialog } from './GrantDialog'
import { useGroups, useUsers } from './people'

/** Who has which role, and what each role may do. */
export function RolesPage() {
  const { t } = useTranslation()
  const { may } = useSession()
  const client = useQueryClient()
  const roles = useQuery({ queryKey: ['roles'], queryFn: async () => (await ask(listRoles())).items })
  const grants = useQuery({
    queryKey: ['grants'],
    queryFn: async () => (await ask(listGrants({ query: { limit: 1000 } }))).items,
  })
  const users = useUsers()
  const groups = useGroups()
  const change = useChange()
  const [giving, setGiving] = useState(false)
  const subjects = [...(users.data ?? []), ...(groups.data ?? [])]
  const nameOf = (id: string) => subjects.find(one => one.id === id)?.name ?? `…${id.slice(-6)}`
  const take = async (grant: GrantView) => {
    await change.run(`${t('grant.take')} ${grant.role} · ${nameOf(grant.subject_id)}`, () =>
      deleteGrant({ path: { ref: grant.id } }),
    )
    await client.invalidateQueries({ queryKey: ['grants'] })
  }
  const failed = roles.error ?? grants.error
  return (
    <Page
      title={t('roles')}
      intro={t('roles.intro')}
      actions={
        may('create_grant') && (
          <Button type="primary" icon={<Plus size={16} />} onClick={() => setGiving(true)}>
            {t('grant.give')}
          </Button>
        )
      }
    >
      <ProblemAlert problem={failed ? asProblem(failed) : undefined} />
      <ProblemAlert problem={change.problem} onClose={change.clear} />
      <Card title={t('grants')}>
        {grants.data?.length === 0 && <Empty>{t('grant.none')}</Empty>}
        <ul className="devices">
          {grants.data?.map(grant => (
            <li key={grant.id}>
              <strong>
                {nameOf(grant.subject_id)}
                {grant.subject_kind === 'group' && <span className="quiet"> · {t('group')}</span>}
              </strong>
              <span>{grant.role}</span>
              <span className="quiet">
                {t(`scope.${grant.scope_kind}`)} <span className="mono">{grant.scope_id}</span>
              </span>
              <span className="quiet">
                <Ago at={grant.created_at} />
              </span>
              {grant.builtin ? (
                <span className="quiet">{t('builtin')}</span>
              ) : (
                may('delete_grant') && (
                  <Button size="small" icon={<Trash2 size={14} />} onClick={() => take(grant)}>
                    {t('grant.take')}
                  </Button>
                )
              )}
            </li>
          ))}
        </ul>
      </Card>
      <div className="grid">
        {roles.data?.map(role => (
          <Card key={role.name} title={role.name} extra={<Tag>{t(`duty.name.${role.duty}`)}</Tag>}>
            <p className="permissions">
              {role.permissions.map(permission => (
                <code key={permission}>{permission}</code>
              ))}
            </p>
          </Card>
        ))}
      </div>
      {giving && (
        <GrantDialog
          users={users.data ?? []}
          groups={groups.data ?? []}
          roles={roles.data ?? []}
          close={() => setGiving(false)}
        />
      )}
    </Page>
  )
}
