import { useParams } from '@tanstack/react-router'
import { Alert, Progress, Spin, Tabs } from 'antd'
import { lazy, Suspense } from 'react'
import { useTranslation } from 'react-i18next'
import { ask } from '@/api/ask'
import { getVm, type VmView } from '@/api/generated'
import { useOne } from '@/api/use'
import { useSession } from '@/app/session'
import { Page } from '@/ui/Page'
import { ProblemAlert } from '@/ui/ProblemAlert'
import { StateMark } from '@/ui/StateMark'
import { useView } from '@/ui/view'
import { useChange } from '../tasks/change'
import { ObjectTasks } from '../tasks/ObjectTasks'
import { useUnderWay } from './columns'
import { VmActions } from './VmActions'
import { VmDisks } from './VmDisks'
import { VmEvents } from './VmEvents'
import { VmNics } from './VmNics'
import { VmSummary } from './VmSummary'

const ConsolePanel = lazy(() => import('../consoles/ConsolePanel'))
const VmSnapshots = lazy(() => import('../snapshots/VmSnapshots'))

export function VmPage() {
  const { id } = useParams({ strict: false })
  const { one: vm, problem, retry } = useOne('vm', id ?? '', () => ask(getVm({ path: { ref: id ?? '' } })))
  if (vm) return <Shown vm={vm} problem={problem} />
  return <Page title="VM">{problem ? <ProblemAlert problem={problem} retry={retry} /> : <Spin />}</Page>
}

function Shown({ vm, problem }: { vm: VmView; problem: ReturnType<typeof useOne>['problem'] }) {
  const { t } = useTranslation()
  const view = useView()
  const change = useChange()
  const { may } = useSession()
  const task = useUnderWay().get(vm.id)
  const tabs = [
    { key: 'summary', label: t('vm.summary'), children: <VmSummary vm={vm} /> },
    {
      key: 'console',
      label: t('console'),
      disabled: !vm.allowed_actions.console?.allowed,
      destroyOnHidden: true,
      children: (
        <Suspense fallback={<Spin />}>
          <ConsolePanel vmId={vm.id} name={vm.name} />
        </Suspense>
      ),
    },
    { key: 'disks', label: t('vm.disks', { count: vm.disks.length }), children: <VmDisks vm={vm} /> },
    { key: 'nics', label: t('vm.nics', { count: vm.nics.length }), children: <VmNics vm={vm} /> },
    ...(may('list_snapshots')
      ? [
          {
            key: 'snapshots',
            label: t('snapshots'),
            children: (
              <Suspense fallback={<Spin />}>
                <VmSnapshots vm={vm} />
              </Suspense>
            ),
          },
        ]
      : []),
    ...(may('list_tasks') ? [{ key: 'tasks', label: t('tasks'), children: <ObjectTasks objectId={vm.id} /> }] : []),
    ...(may('list_vm_events') ? [{ key: 'events', label: t('events'), children: <VmEvents id={vm.id} /> }] : []),
  ]
  return (
    <Page
      name={vm.name}
      title={
        <span className="title-line">
          {vm.name} <StateMark state={vm.state} />
        </span>
      }
      intro={vm.description}
      actions={<VmActions vm={vm} run={change.run} busy={change.busy} />}
    >
      <ProblemAlert problem={problem ?? change.problem} {...(problem ? {} : { onClose: change.clear })} />
      {task && (
        <div className="under-way" role="status">
          <strong>{task.title}</strong>
          <Progress percent={Math.round(task.progress * 100)} size="small" aria-label={task.title} />
          <span className="quiet">{task.waiting_for}</span>
        </div>
      )}
      {vm.restart_pending && <Alert type="info" showIcon title={t('vm.pending_text')} className="note" />}
      <Tabs activeKey={view.tab ?? 'summary'} onChange={tab => view.set({ tab })} items={tabs} />
    </Page>
  )
}
