import { useQuery } from '@tanstack/react-query'
import { Spin } from 'antd'
import { useTranslation } from 'react-i18next'
import { ask } from '@/api/ask'
import { listTasks } from '@/api/generated'
import { asProblem } from '@/api/problem'
import { Card, Empty } from '@/ui/Page'
import { ProblemAlert } from '@/ui/ProblemAlert'
import { TaskItem } from './TaskItem'

/** What was done with one object, newest first. */
export function ObjectTasks({ objectId }: { objectId: string }) {
  const { t } = useTranslation()
  const { data, error, isPending } = useQuery({
    queryKey: ['one', 'vm', objectId, 'tasks'],
    queryFn: () => ask(listTasks({ query: { filter: [`object_id:${objectId}`], sort: '-seq', limit: 50 } })),
  })
  if (error) return <ProblemAlert problem={asProblem(error)} />
  if (isPending) return <Spin />
  return (
    <Card>
      {data.items.length === 0 && <Empty>{t('task.none')}</Empty>}
      <ul className="tasks">
        {data.items.map(task => (
          <TaskItem key={task.id} task={task} />
        ))}
      </ul>
    </Card>
  )
}
