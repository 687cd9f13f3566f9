import type { ReactNode } from 'react'
import { fieldMessage } from '@/api/problem'
import { ChangeDialog } from '@/ui/ChangeDialog'
import { useChange } from './change'
import { Plan } from './Plan'
import { PlanDetails } from './PlanDetails'
import { usePlan } from './usePlan'

interface Props {
  title: string
  ok: string
  danger?: boolean
  /** Its words in the log, if the title is not enough. */
  log?: string
  /** What is asked for, as a text that changes with it; undefined as long as answers are missing. */
  asked: string | undefined
  /** The request asks for the plan, or to do it. */
  request: (plan: boolean) => Promise<{ data?: unknown; error?: unknown }>
  close: () => void
  width?: number
  /** The questions; `wrong` says what the API finds wrong with a field. */
  children?: ReactNode | ((wrong: Wrong) => ReactNode)
}

export type Wrong = (field: string) => string | undefined

/** A change whose plan is shown, and what the API would refuse is said, before it is done. */
export function PlanDialog({ title, ok, danger = false, log, asked, request, close, width, children }: Props) {
  const change = useChange()
  const plan = usePlan(asked, () => request(true))
  const submit = async () => {
    if (await change.run(log ?? title, () => request(false))) close()
  }
  const wrong: Wrong = field => fieldMessage(change.problem ?? plan.problem, field)
  return (
    <ChangeDialog
      title={title}
      ok={ok}
      danger={danger}
      disabled={asked === undefined || plan.loading || plan.problem !== undefined}
      {...change}
      close={close}
      submit={submit}
      {...(width ? { width } : {})}
    >
      {typeof children === 'function' ? children(wrong) : children}
      <Plan {...plan} />
      <PlanDetails plan={plan.plan} />
    </ChangeDialog>
  )
}
