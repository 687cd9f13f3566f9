import { Segmented } from 'antd'
import { useTranslation } from 'react-i18next'
import { useCollection } from '@/api/use'
import { Card, Empty, Page } from '@/ui/Page'
import { ProblemAlert } from '@/ui/ProblemAlert'
import { useView } from '@/ui/view'
import { TaskItem } from './TaskItem'

const SHOWN = 100

export function TasksPage() {
  const { t } = useTranslation()
  const view = useView()
  const { rows, problem, retry, loading } = useCollection('task')
  const which = view.tab ?? 'all'
  const top = rows.filter(task => task.parent_id === null)
  const tasks = top.filter(
    task => which === 'all' || (which === 'failed' ? task.state === 'failed' : task.finished_at === null),
  )
  const choices = (['all', 'open', 'failed'] as const).map(value => ({ value, label: t(`task.${value}`) }))
  return (
    <Page
      title={t('tasks')}
      actions={
        <Segmented value={which} onChange={tab => view.set({ tab })} options={choices} aria-label={t('tasks')} />
      }
    >
      <ProblemAlert problem={problem} retry={retry} />
      <Card>
        {tasks.length === 0 && <Empty>{loading ? t('loading') : t('task.none')}</Empty>}
        <ul className="tasks">
          {tasks.slice(0, SHOWN).map(task => (
            <TaskItem key={task.id} task={task} open={task.id === view.id} />
          ))}
        </ul>
      </Card>
    </Page>
  )
}
