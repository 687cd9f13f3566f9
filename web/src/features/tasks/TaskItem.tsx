import { Button, Progress } from 'antd'
import { ChevronDown, ChevronRight } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { cancelTask, type TaskView } from '@/api/generated'
import { useNames } from '@/api/use'
import { useSession } from '@/app/session'
import { Ago } from '@/ui/Ago'
import { duration } from '@/ui/format'
import { ProblemAlert } from '@/ui/ProblemAlert'
import { StateMark } from '@/ui/StateMark'
import { useChange } from './change'
import { TaskDetails } from './TaskDetails'

/** A running task is told from a running VM. */
export const taskState = (state: string) => (state === 'running' ? 'executing' : state)

/** One task: how far it is, where, how long, why it failed; opened, its steps and children. */
export function TaskItem({ task, open: opened = false }: { task: TaskView; open?: boolean }) {
  const { t } = useTranslation()
  const { may } = useSession()
  const hosts = useNames('host')
  const change = useChange()
  const [open, setOpen] = useState(opened)
  const failure = task.error as { message?: string; hint?: string } | null
  return (
    <li className="task">
      <div className="task-line">
        <button type="button" className="task-open" aria-expanded={open} onClick={() => setOpen(!open)}>
          {open ? <ChevronDown size={15} aria-hidden /> : <ChevronRight size={15} aria-hidden />}
          <span className="task-title">
            {task.title} <span className="task-about">{task.object_name}</span>
          </span>
        </button>
        <StateMark state={taskState(task.state)} />
        {task.finished_at === null && (
          <Progress
            className="task-progress"
            size="small"
            percent={Math.round(task.progress * 100)}
            aria-label={task.title}
          />
        )}
        <span className="quiet">{hosts.name(task.host_id)}</span>
        <span className="quiet">{task.actor}</span>
        <span className="quiet">
          {task.started_at && task.finished_at && duration(task.started_at, task.finished_at)}
        </span>
        <span className="quiet">
          <Ago at={task.created_at} />
        </span>
        {task.finished_at === null && task.cancellable && may('cancel_task') && (
          <Button
            size="small"
            loading={change.busy}
            disabled={task.cancel_requested}
            onClick={() =>
              change.run(`${t('task.cancel')} · ${task.title}`, () => cancelTask({ path: { ref: task.id } }))
            }
          >
            {task.cancel_requested ? t('task.cancelling') : t('task.cancel')}
          </Button>
        )}
      </div>
      <ProblemAlert problem={change.problem} onClose={change.clear} />
      {task.waiting_for && task.finished_at === null && <p className="task-note">{task.waiting_for}</p>}
      {failure?.message && (
        <p className="task-note tone-bad">
          {failure.message} <span className="quiet">{failure.hint}</span>
        </p>
      )}
      {open && <TaskDetails task={task} />}
    </li>
  )
}
