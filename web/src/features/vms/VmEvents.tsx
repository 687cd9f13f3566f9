import { useQuery } from '@tanstack/react-query'
import { Spin } from 'antd'
import { ask } from '@/api/ask'
import { listVmEvents } from '@/api/generated'
import { asProblem } from '@/api/problem'
import { Ago } from '@/ui/Ago'
import { Card } from '@/ui/Page'
import { ProblemAlert } from '@/ui/ProblemAlert'
import { StateMark } from '@/ui/StateMark'

/** What happened to a VM, newest first. */
export function VmEvents({ id }: { id: string }) {
  const { data, error, isPending } = useQuery({
    queryKey: ['one', 'vm', id, 'events'],
    queryFn: () => ask(listVmEvents({ path: { ref: id } })),
  })
  if (error) return <ProblemAlert problem={asProblem(error)} />
  if (isPending) return <Spin />
  return (
    <Card>
      <ol className="events">
        {data.items.map(event => (
          <li key={event.seq}>
            <Ago at={event.at} />
            <span className="mono">{event.kind}</span>
            {typeof event.data.state === 'string' && <StateMark state={event.data.state} />}
          </li>
        ))}
      </ol>
    </Card>
  )
}
