import type { ReactNode } from 'react'
import { PlanDialog } from './PlanDialog'

interface Props {
  title: string
  ok: string
  danger?: boolean
  /** The request asks for the plan, or to do it. */
  request: (plan: boolean) => Promise<{ data?: unknown; error?: unknown }>
  close: () => void
  children?: ReactNode
}

/** A change that needs no further answers. */
export function ConfirmDialog(props: Props) {
  return <PlanDialog {...props} asked={props.title} />
}
