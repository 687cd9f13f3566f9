import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Button, Input, Select } from 'antd'
import { Plus, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { ask } from '@/api/ask'
import { addGroupMember, createGroup, deleteGroup, type GroupView, getGroup, removeGroupMember } from '@/api/generated'
import { asProblem, fieldMessage } from '@/api/problem'
import { useSession } from '@/app/session'
import { ChangeDialog } from '@/ui/ChangeDialog'
import { Field } from '@/ui/Field'
import { Card, Empty, Page } from '@/ui/Page'
import { ProblemAlert } from '@/ui/ProblemAlert'
import { useChange } from '../tasks/change'
import { RemoveDialog } from '../tasks/RemoveDialog'
import { GROUPS, useGroups, useUsers } from './people'

/** Groups with their members: a role that is given to a group is given to all of them. */
export function GroupsPage() {
  const { t } = useTranslation()
  const { may } = useSession()
  const groups = useGroups()
  const [adding, setAdding] = useState(false)
  return (
    <Page
      title={t('groups')}
      intro={t('group.intro')}
      actions={
        may('create_group') && (
          <Button type="primary" icon={<Plus size={16} />} onClick={() => setAdding(true)}>
            {t('group.new')}
          </Button>
        )
      }
    >
      <ProblemAlert problem={groups.error ? asProblem(groups.error) : undefined} />
      {!groups.data?.length && <Empty>{groups.isPending ? t('loading') : t('group.none')}</Empty>}
      <div className="grid">
        {groups.data?.map(group => (
          <GroupCard key={group.id} group={group} />
        ))}
      </div>
      {adding && <GroupDialog close={() => setAdding(false)} />}
    </Page>
  )
}

/** A group, and who is in it. */
function GroupCard({ group }: { group: GroupView }) {
  const { t } = useTranslation()
  const { may } = useSession()
  const client = useQueryClient()
  const users = useUsers()
  const change = useChange()
  const [added, setAdded] = useState<string>()
  const [removing, setRemoving] = useState(false)
  const key = [...GROUPS, group.id]
  const details = useQuery({ queryKey: key, queryFn: () => ask(getGroup({ path: { ref: group.id } })) })
  const members = details.data?.members ?? []
  const others = (users.data ?? []).filter(user => !members.some(member => member.id === user.id))
  const put = async (user: string, belongs: boolean) => {
    const path = { ref: group.id, user }
    const title = `${belongs ? t('group.add') : t('remove')} · ${group.name}`
    await change.run(title, () => (belongs ? addGroupMember({ path }) : removeGroupMember({ path })))
    await client.invalidateQueries({ queryKey: key })
  }
  const remove = (
    <Button size="small" icon={<Trash2 size={14} />} onClick={() => setRemoving(true)}>
      {t('delete')}
    </Button>
  )
  return (
    <Card title={group.name} extra={may('delete_group') && remove}>
      <p className="quiet">{group.description}</p>
      <ProblemAlert problem={change.problem} onClose={change.clear} />
      {details.data && members.length === 0 && <Empty>{t('group.empty')}</Empty>}
      <ul className="devices">
        {members.map(user => (
          <li key={user.id}>
            <strong>{user.name}</strong>
            <span className="quiet">{user.display_name}</span>
            {may('remove_group_member') && (
              <Button size="small" onClick={() => put(user.id, false)}>
                {t('remove')}
              </Button>
            )}
          </li>
        ))}
      </ul>
      {may('add_group_member') && (
        <div className="field-row">
          <Select
            aria-label={t('group.member', { name: group.name })}
            placeholder={t('user')}
            value={added}
            onChange={setAdded}
            options={others.map(({ id, name }) => ({ value: id, label: name }))}
            showSearch={{ optionFilterProp: 'label' }}
          />
          <Button
            disabled={!added}
            loading={change.busy}
            onClick={() => added && void put(added, true).then(() => setAdded(undefined))}
          >
            {t('group.add')}
          </Button>
        </div>
      )}
      {removing && <RemoveGroup group={group} close={() => setRemoving(false)} />}
    </Card>
  )
}

function RemoveGroup({ group, close }: { group: GroupView; close: () => void }) {
  const { t } = useTranslation()
  const client = useQueryClient()
  const gone = () => {
    close()
    void client.invalidateQueries({ queryKey: GROUPS, exact: true })
  }
  return (
    <RemoveDialog
      noun={t('group')}
      name={group.name}
      close={gone}
      request={() => deleteGroup({ path: { ref: group.id } })}
      planned={false}
    />
  )
}

function GroupDialog({ close }: { close: () => void }) {
  const { t } = useTranslation()
  const client = useQueryClient()
  const change = useChange()
  const [draft, setDraft] = useState({ name: '', description: '' })
  const submit = async () => {
    const made = await change.run<GroupView>(`${t('group.new')} ${draft.name}`, () => createGroup({ body: draft }))
    if (!made) return
    await client.invalidateQueries({ queryKey: GROUPS, exact: true })
    close()
  }
  return (
    <ChangeDialog
      title={t('group.new')}
      ok={t('create')}
      disabled={!draft.name}
      {...change}
      close={close}
      submit={submit}
    >
      <Field label={t('name')} error={fieldMessage(change.problem, 'name')}>
        <Input value={draft.name} onChange={event => setDraft({ ...draft, name: event.target.value })} autoFocus />
      </Field>
      <Field label={t('description')} error={fieldMessage(change.problem, 'description')}>
        <Input value={draft.description} onChange={event => setDraft({ ...draft, description: event.target.value })} />
      </Field>
    </ChangeDialog>
  )
}
