import type { ReactNode } from 'react'
import { ChangeDialog } from '@/ui/ChangeDialog'
import { useChange } from './change'
import { Plan } from './Plan'
import { PlanDetails } from './PlanDetails'
import { usePlan } from './usePlan'

interface Props {
  title: string
  ok: string
  danger?: boolean
  /** The request asks for the plan, or to do it. */
  request: (plan: boolean) => Promise<{ data?: unknown; error?: unknown }>
  close: () => void
  children?: ReactNode
}

/** A change that needs no further answers: its plan is shown, and what the API would refuse is said, before it is done. */
export function ConfirmDialog({ title, ok, danger = false, request, close, children }: Props) {
  const change = useChange()
  const plan = usePlan(title, () => request(true))
  const submit = async () => {
    if (await change.run(title, () => request(false))) close()
  }
  return (
    <ChangeDialog
      title={title}
      ok={ok}
      danger={danger}
      disabled={plan.loading || plan.problem !== undefined}
      {...change}
      close={close}
      submit={submit}
    >
      {children}
      <Plan {...plan} />
      <PlanDetails plan={plan.plan} />
    </ChangeDialog>
  )
}
