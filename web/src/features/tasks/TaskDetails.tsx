import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { ask } from '@/api/ask'
import { listTaskChildren, type StepView, type TaskView } from '@/api/generated'
import { duration } from '@/ui/format'
import { StateMark } from '@/ui/StateMark'
import { TaskItem, taskState } from './TaskItem'

/** Steps with what each took and why one failed, what it waits for, and the tasks it started. */
export function TaskDetails({ task }: { task: TaskView }) {
  const { t } = useTranslation()
  const children = useQuery({
    queryKey: ['one', 'task', task.id, 'children'],
    queryFn: () => ask(listTaskChildren({ path: { ref: task.id } })),
    refetchInterval: task.finished_at === null ? 2000 : false,
  })
  return (
    <div className="task-details">
      {task.trail.length === 0 && <p className="quiet">{t('task.not_begun')}</p>}
      <ol className="steps">
        {task.trail.map(step => (
          <Step key={`${step.name} ${step.started_at}`} step={step} />
        ))}
      </ol>
      {(children.data?.items.length ?? 0) > 0 && (
        <ul className="tasks" aria-label={t('task.children')}>
          {children.data?.items.map(child => (
            <TaskItem key={child.id} task={child} />
          ))}
        </ul>
      )}
      <p className="quiet mono">
        {task.kind} · {task.id} · {task.request_id}
      </p>
    </div>
  )
}

function Step({ step }: { step: StepView }) {
  const error = step.error as { message?: string } | null
  return (
    <li>
      <StateMark state={taskState(step.state)} />
      <span>{step.title}</span>
      {step.attempts > 1 && <span className="quiet">×{step.attempts}</span>}
      <span className="quiet">{step.finished_at && duration(step.started_at, step.finished_at)}</span>
      {error?.message && <div className="tone-bad">{error.message}</div>}
    </li>
  )
}
