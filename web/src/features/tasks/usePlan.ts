import { useEffect, useState } from 'react'
import type { PlanView } from '@/api/generated'
import { asProblem, type Problem } from '@/api/problem'
import { planOf } from './change'

type Answer = Promise<{ data?: unknown; error?: unknown }>

/** The plan of a request, asked for again when `key` changes; undefined as key asks for none. */
export function usePlan(key: string | undefined, request: () => Answer) {
  const [found, setFound] = useState<{ key: string; plan?: PlanView; problem?: Problem }>()
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key stands for all that the request depends on
  useEffect(() => {
    if (key === undefined) return
    let wanted = true
    const timer = setTimeout(() => {
      planOf(request()).then(
        plan => wanted && setFound({ key, plan }),
        error => wanted && setFound({ key, problem: asProblem(error) }),
      )
    }, 150)
    return () => {
      wanted = false
      clearTimeout(timer)
    }
  }, [key])
  return { plan: found?.plan, problem: found?.problem, loading: key !== undefined && found?.key !== key }
}
