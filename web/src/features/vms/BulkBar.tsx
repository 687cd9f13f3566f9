import { Button, Modal } from 'antd'
import { X } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { ask } from '@/api/ask'
import type { TaskView, VmView } from '@/api/generated'
import { asProblem, type Problem } from '@/api/problem'
import { useCollection } from '@/api/use'
import type { TextKey } from '@/i18n'
import { StateMark } from '@/ui/StateMark'
import { useTaskLog } from '../tasks/change'
import { removeVm, SIMPLE, type SimpleAction, verdict } from './actions'

interface Result {
  vm: VmView
  task?: TaskView
  problem?: Problem
}

type Action = SimpleAction | 'delete'
const OFFERED: Action[] = ['start', 'stop', 'restart', 'pause', 'resume', 'suspend', 'kill', 'delete']
const RISKY: Action[] = ['kill', 'restart', 'delete']

/** What may be done with the chosen VMs at once, and what came of it for each. */
export function BulkBar({ vms, clear }: { vms: VmView[]; clear: () => void }) {
  const { t } = useTranslation()
  const log = useTaskLog()
  const [asked, setAsked] = useState<Action>()
  const [results, setResults] = useState<{ action: Action; each: Result[] }>()

  const run = async (action: Action) => {
    setAsked(undefined)
    const able = vms.filter(vm => verdict(vm, action)?.allowed)
    const each = await Promise.all(able.map(vm => one(vm, action)))
    for (const { vm, task, problem } of each) {
      const title = `${t(`vm.do.${action}` as TextKey)} ${vm.name}`
      if (task) log.submitted(task, title)
      else log.answered(title, problem)
    }
    setResults({ action, each })
  }

  return (
    <>
      {vms.length > 0 && (
        <div className="bulk" role="toolbar" aria-label={t('bulk.label')}>
          <strong>{t('bulk.chosen', { count: vms.length })}</strong>
          {OFFERED.map(action => {
            const able = vms.filter(vm => verdict(vm, action)?.allowed).length
            const why = vms.map(vm => verdict(vm, action)?.reason).find(Boolean)
            return (
              <Button
                key={action}
                size="small"
                danger={action === 'delete' || action === 'kill'}
                disabled={able === 0}
                title={able === 0 ? why : undefined}
                onClick={() => (RISKY.includes(action) ? setAsked(action) : void run(action))}
              >
                {t(`vm.do.${action}` as TextKey)}
                {able < vms.length && able > 0 && ` (${able})`}
              </Button>
            )
          })}
          <Button size="small" type="text" icon={<X size={14} />} onClick={clear} aria-label={t('bulk.clear')} />
        </div>
      )}
      <Confirm action={asked} vms={vms} close={() => setAsked(undefined)} run={run} />
      <Results results={results} close={() => setResults(undefined)} />
    </>
  )
}

async function one(vm: VmView, action: Action): Promise<Result> {
  const request =
    action === 'delete' ? removeVm(vm.id, { keep_volumes: false, force: false }) : SIMPLE[action].ask(vm.id)
  try {
    return { vm, task: (await ask(request)) as TaskView }
  } catch (error) {
    return { vm, problem: asProblem(error) }
  }
}

interface ConfirmProps {
  action: Action | undefined
  vms: VmView[]
  close: () => void
  run: (action: Action) => Promise<void>
}

/** Names every VM that is concerned. */
function Confirm({ action, vms, close, run }: ConfirmProps) {
  const { t } = useTranslation()
  const able = action ? vms.filter(vm => verdict(vm, action)?.allowed) : []
  return (
    <Modal
      open={action !== undefined}
      title={action && t(`vm.do.${action}` as TextKey)}
      okText={action && t('bulk.confirm', { action: t(`vm.do.${action}` as TextKey), count: able.length })}
      okButtonProps={{ danger: true }}
      cancelText={t('cancel')}
      onCancel={close}
      onOk={() => action && run(action)}
    >
      <p>{action && t(`bulk.warn.${action}` as TextKey)}</p>
      <ul className="bulk-names">
        {able.map(vm => (
          <li key={vm.id}>{vm.name}</li>
        ))}
      </ul>
    </Modal>
  )
}

/** Live: each task is followed until it ends. */
function Results({ results, close }: { results: { action: Action; each: Result[] } | undefined; close: () => void }) {
  const { t } = useTranslation()
  const tasks = useCollection('task').rows
  if (!results) return null
  const now = results.each.map(result => ({
    ...result,
    task: tasks.find(task => task.id === result.task?.id) ?? result.task,
  }))
  const done = now.filter(({ task, problem }) => problem || task?.finished_at).length
  return (
    <Modal
      open
      title={t('bulk.results', { action: t(`vm.do.${results.action}` as TextKey), done, count: now.length })}
      footer={<Button onClick={close}>{t('close')}</Button>}
      onCancel={close}
      width={640}
    >
      <ul className="bulk-results">
        {now.map(({ vm, task, problem }) => (
          <li key={vm.id}>
            <span className="name">{vm.name}</span>
            <StateMark
              state={problem ? 'refused' : task?.state === 'running' ? 'executing' : (task?.state ?? 'queued')}
            />
            <span className="bulk-why">
              {problem?.message ?? (task?.error as { message?: string } | null)?.message}
            </span>
          </li>
        ))}
      </ul>
    </Modal>
  )
}
