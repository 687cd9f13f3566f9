import { useCallback, useMemo, useState } from 'react'
import { ask } from '@/api/ask'
import type { PlanView, TaskView } from '@/api/generated'
import { asProblem, type Problem } from '@/api/problem'
import { useSession } from '@/app/session'
import { TaskLog } from './log'

type Answer = Promise<{ data?: unknown; error?: unknown }>

let made: { accountId: string; log: TaskLog } | undefined

/** The log of who is signed in. */
export function useTaskLog(): TaskLog {
  const { me } = useSession()
  return useMemo(() => {
    if (made?.accountId !== me.account_id) {
      made = { accountId: me.account_id, log: new TaskLog(me.account_id, localStorage) }
    }
    return made.log
  }, [me.account_id])
}

const isTask = (data: unknown): data is TaskView =>
  typeof data === 'object' && data !== null && 'trail' in data && 'progress' in data

/** Ask for a change; what is refused is told by `problem` where it was asked for, and stays in the user's log. */
export function useChange() {
  const log = useTaskLog()
  const [problem, setProblem] = useState<Problem>()
  const [busy, setBusy] = useState(false)
  const run = useCallback(
    async <T = TaskView>(title: string, request: () => Answer): Promise<T | undefined> => {
      setBusy(true)
      setProblem(undefined)
      try {
        const data = await ask(request())
        if (isTask(data)) log.submitted(data, title)
        else log.answered(title)
        return data as T
      } catch (error) {
        const told = asProblem(error)
        log.answered(title, told)
        setProblem(told)
        return undefined
      } finally {
        setBusy(false)
      }
    },
    [log],
  )
  return { run, busy, problem, clear: () => setProblem(undefined) }
}

/** The plan of a change: what would be done, while nothing is. */
export async function planOf(request: Answer): Promise<PlanView> {
  return (await ask(request)) as PlanView
}
