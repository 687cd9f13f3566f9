import { Button } from 'antd'
import { Plus } from 'lucide-react'
import { useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { SecurityGroupView } from '@/api/generated'
import { useCollection, useNames } from '@/api/use'
import { useSession } from '@/app/session'
import { ActionButton } from '@/ui/ActionButton'
import type { Fields } from '@/ui/filter'
import { ListPage } from '@/ui/ListPage'
import { StateMark } from '@/ui/StateMark'
import type { Column } from '@/ui/VirtualTable'
import { SecurityGroupLink } from './links'
import { inOrder, memberCounts } from './rules'
import { RemoveSecurityGroup, SecurityGroupDialog } from './SecurityGroupDialogs'

export function SecurityGroupsPage() {
  const { t } = useTranslation()
  const { may } = useSession()
  const groups = useCollection('security_group')
  const projects = useNames('project')
  const counts = useCounts()
  const [adding, setAdding] = useState(false)
  const [removing, setRemoving] = useState<SecurityGroupView>()
  const columns = useColumns(counts, setRemoving)
  const fields = useMemo<Fields<SecurityGroupView>>(
    () => ({
      '': one => [one.name, one.description],
      project: one => projects.name(one.project_id),
      state: one => one.state,
      is: one => (counts.has(one.id) ? 'used' : 'unused'),
    }),
    [projects, counts],
  )
  return (
    <>
      <ListPage
        list="security_groups"
        title={t('security_groups')}
        intro={t('security_group.intro')}
        {...groups}
        columns={columns}
        fields={fields}
        suggestions={[{ term: 'is:unused', label: t('security_group.unused') }]}
        actions={
          may('create_security_group') && (
            <Button type="primary" icon={<Plus size={16} />} onClick={() => setAdding(true)}>
              {t('security_group.new')}
            </Button>
          )
        }
        empty={t('security_group.none')}
      />
      {adding && <SecurityGroupDialog close={() => setAdding(false)} />}
      {removing && <RemoveSecurityGroup group={removing} close={() => setRemoving(undefined)} />}
    </>
  )
}

function useCounts(): ReadonlyMap<string, number> {
  const vms = useCollection('vm').rows
  return useMemo(() => memberCounts(vms), [vms])
}

function useColumns(
  counts: ReadonlyMap<string, number>,
  remove: (group: SecurityGroupView) => void,
): Column<SecurityGroupView>[] {
  const { t } = useTranslation()
  const projects = useNames('project')
  return useMemo<Column<SecurityGroupView>[]>(() => {
    const number = (key: string, title: string, value: (group: SecurityGroupView) => number) => ({
      key,
      title,
      width: 110,
      value,
      render: (group: SecurityGroupView) => <span className="number">{value(group)}</span>,
    })
    return [
      {
        key: 'name',
        title: t('name'),
        width: 180,
        grow: 1,
        value: group => group.name,
        render: group => <SecurityGroupLink id={group.id} name={group.name} />,
      },
      {
        key: 'state',
        title: t('state'),
        width: 130,
        value: group => group.state,
        render: group => <StateMark state={group.state} />,
      },
      number('in', t('rule.in'), group => inOrder(group.rules, 'in').length),
      number('out', t('rule.out'), group => inOrder(group.rules, 'out').length),
      number('nics', t('security_group.members'), group => counts.get(group.id) ?? 0),
      {
        key: 'description',
        title: t('description'),
        width: 200,
        grow: 2,
        value: group => group.description,
        render: group => <span className="quiet">{group.description}</span>,
      },
      {
        key: 'project',
        title: t('project'),
        width: 120,
        optional: true,
        value: group => projects.name(group.project_id),
        render: group => projects.name(group.project_id),
      },
      {
        key: 'do',
        title: t('actions'),
        width: 110,
        render: group => (
          <ActionButton size="small" verdict={group.allowed_actions.delete} onClick={() => remove(group)}>
            {t('delete')}
          </ActionButton>
        ),
      },
    ]
  }, [t, counts, projects, remove])
}
