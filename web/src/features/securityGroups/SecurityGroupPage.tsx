import { useNavigate, useParams } from '@tanstack/react-router'
import { Spin, Tabs } from 'antd'
import { Pencil, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { ask } from '@/api/ask'
import { getSecurityGroup, type SecurityGroupView } from '@/api/generated'
import { useOne } from '@/api/use'
import { useSession } from '@/app/session'
import { ActionButton } from '@/ui/ActionButton'
import { Page } from '@/ui/Page'
import { ProblemAlert } from '@/ui/ProblemAlert'
import { StateMark } from '@/ui/StateMark'
import { useView } from '@/ui/view'
import { ObjectTasks } from '../tasks/ObjectTasks'
import { type RuleAsked, RuleDialogs } from './RuleDialogs'
import { EditSecurityGroup, RemoveSecurityGroup } from './SecurityGroupDialogs'
import { Members, NamedBy, RulesCard } from './SecurityGroupParts'

export function SecurityGroupPage() {
  const { t } = useTranslation()
  const { id = '' } = useParams({ strict: false })
  const { one, problem, retry } = useOne('security_group', id, () => ask(getSecurityGroup({ path: { ref: id } })))
  if (one) return <Shown group={one} problem={problem} />
  return (
    <Page title={t('security_group')}>{problem ? <ProblemAlert problem={problem} retry={retry} /> : <Spin />}</Page>
  )
}

function Shown({ group, problem }: { group: SecurityGroupView; problem: ReturnType<typeof useOne>['problem'] }) {
  const { t } = useTranslation()
  const { may } = useSession()
  const view = useView()
  const navigate = useNavigate()
  const [asked, setAsked] = useState<'edit' | 'delete'>()
  const [rule, setRule] = useState<RuleAsked>()
  const close = () => setAsked(undefined)
  const summary = (
    <div className="grid">
      <RulesCard group={group} direction="in" ask={setRule} />
      <RulesCard group={group} direction="out" ask={setRule} />
      {may('list_vms') && <Members group={group} />}
      <NamedBy group={group} />
    </div>
  )
  const tabs = [
    { key: 'summary', label: t('vm.summary'), children: summary },
    ...(may('list_tasks') ? [{ key: 'tasks', label: t('tasks'), children: <ObjectTasks objectId={group.id} /> }] : []),
  ]
  const actions = group.allowed_actions
  return (
    <Page
      name={group.name}
      title={
        <span className="title-line">
          {group.name} <StateMark state={group.state} />
        </span>
      }
      intro={group.description}
      actions={
        <>
          <ActionButton icon={<Pencil size={15} />} verdict={actions.edit} onClick={() => setAsked('edit')}>
            {t('vm.do.edit')}
          </ActionButton>
          <ActionButton danger icon={<Trash2 size={15} />} verdict={actions.delete} onClick={() => setAsked('delete')}>
            {t('delete')}
          </ActionButton>
        </>
      }
    >
      <ProblemAlert problem={problem} />
      <Tabs activeKey={view.tab ?? 'summary'} onChange={tab => view.set({ tab })} items={tabs} />
      {asked === 'edit' && <EditSecurityGroup group={group} close={close} />}
      {asked === 'delete' && (
        <RemoveSecurityGroup group={group} close={close} gone={() => void navigate({ to: '/security-groups' })} />
      )}
      {rule && <RuleDialogs group={group} asked={rule} close={() => setRule(undefined)} />}
    </Page>
  )
}
