import { useCallback, useEffect, useRef, useState } from 'react'
import { asProblem, type Problem } from '@/api/problem'

export type LinkState = 'connecting' | 'open' | 'lost' | 'refused'

const FIRST_WAIT = 1000
const LONGEST_WAIT = 15_000

/** Keeps a console connected: `connect` begins one connection and returns how to end it; it calls `up` and `down`. What
 * breaks off is taken up again by itself, ever more slowly; what is refused (the VM is off) is said. */
export function useConsoleLink(connect: (events: { up: () => void; down: () => void }) => Promise<() => void>) {
  const [state, setState] = useState<LinkState>('connecting')
  const [problem, setProblem] = useState<Problem>()
  const [turn, setTurn] = useState(0)
  const wait = useRef(FIRST_WAIT)

  const again = useCallback(() => {
    wait.current = FIRST_WAIT
    setTurn(number => number + 1)
  }, [])

  // biome-ignore lint/correctness/useExhaustiveDependencies: each turn is a new connection
  useEffect(() => {
    let [ended, end] = [false, () => {}]
    let timer: ReturnType<typeof setTimeout> | undefined
    const down = () => {
      if (ended) return
      setState('lost')
      timer = setTimeout(() => setTurn(number => number + 1), wait.current)
      wait.current = Math.min(wait.current * 2, LONGEST_WAIT)
    }
    const up = () => {
      wait.current = FIRST_WAIT
      setProblem(undefined)
      setState('open')
    }
    setState('connecting')
    connect({ up, down }).then(
      stop => {
        end = stop
        if (ended) stop()
      },
      error => {
        const told = asProblem(error)
        if (ended) return
        setProblem(told)
        if (told.details.status === 0 || told.details.status >= 500) down()
        else setState('refused')
      },
    )
    return () => {
      ended = true
      clearTimeout(timer)
      end()
    }
  }, [connect, turn])

  return { state, problem, again }
}
