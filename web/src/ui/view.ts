import { useNavigate, useSearch } from '@tanstack/react-router'
import { useCallback, useEffect, useRef, useState } from 'react'

/** What of a page's state stands in the address bar: it can be kept, sent to somebody, and comes back with Back. */
export interface View {
  q?: string
  sort?: string
  tab?: string
  id?: string
  /** Of a packet that is asked about. */
  from?: string
  nic?: string
  to?: string
  protocol?: string
  port?: string
}

const KEYS = ['q', 'sort', 'tab', 'id', 'from', 'nic', 'to', 'protocol', 'port'] as const

export function readView(search: Record<string, unknown>): View {
  const view: View = {}
  for (const key of KEYS) {
    if (typeof search[key] === 'string' && search[key]) view[key] = search[key]
    else if (typeof search[key] === 'number') view[key] = String(search[key])
  }
  return view
}

export function useView(): View & { set: (changes: View) => void } {
  const view = useSearch({ strict: false }) as View
  const navigate = useNavigate()
  const set = useCallback(
    (changes: View) =>
      void navigate({ to: '.', search: (before: View) => readView({ ...before, ...changes }), replace: true }),
    [navigate],
  )
  return { ...view, set }
}

const REST = 200

/** What is typed is seen at once; the address bar follows when the keys rest. */
export function useTyped(q: string, set: (changes: View) => void): [string, (text: string) => void] {
  const [text, setText] = useState(q)
  const sent = useRef(q)
  useEffect(() => {
    if (q !== sent.current) setText(q)
    sent.current = q
  }, [q])
  useEffect(() => {
    if (text === sent.current) return
    const timer = setTimeout(() => {
      sent.current = text
      set({ q: text })
    }, REST)
    return () => clearTimeout(timer)
  }, [text, set])
  return [text, setText]
}
