import { useQuery, useQueryClient } from '@tanstack/react-query'
import { createContext, type ReactNode, use, useCallback, useEffect, useMemo, useSyncExternalStore } from 'react'
import { ask, onSignedOut } from '@/api/ask'
import { EventFeed, type Link } from '@/api/events'
import { logout, type WhoamiView, whoami } from '@/api/generated'

export interface Session {
  me: WhoamiView
  /** Whether an operation of the API may be used somewhere; for one object its `allowed_actions` tell. */
  may: (operation: string) => boolean
  /** How the stream of events is; `live` too for who may not follow it. */
  link: Link
  signOut: () => Promise<void>
}

const SessionContext = createContext<Session | undefined>(undefined)
export const ME = ['me'] as const

export function useMe() {
  return useQuery({ queryKey: ME, queryFn: () => ask(whoami()), retry: false, staleTime: Number.POSITIVE_INFINITY })
}

/** Who is signed in, and the one connection that keeps everything fresh. */
export function SessionProvider({ me, children }: { me: WhoamiView; children: ReactNode }) {
  const client = useQueryClient()
  const follows = me.operations.includes('stream_events')
  const feed = useMemo(() => new EventFeed(client), [client])
  useEffect(() => {
    if (follows) feed.open()
    return () => feed.close()
  }, [feed, follows])
  useEffect(() => onSignedOut(() => client.setQueryData(ME, null)), [client])
  const heard = useSyncExternalStore(feed.subscribe, () => feed.link)
  const link = follows ? heard : 'live'
  useEffect(() => {
    if (link === 'lost') void client.invalidateQueries({ queryKey: ME })
  }, [link, client])
  const signOut = useCallback(async () => {
    await ask(logout())
    client.clear()
    location.assign('/')
  }, [client])
  const session = useMemo(() => {
    const operations = new Set(me.operations)
    return { me, link, signOut, may: (operation: string) => operations.has(operation) }
  }, [me, link, signOut])
  return <SessionContext value={session}>{children}</SessionContext>
}

export function useSession(): Session {
  const session = use(SessionContext)
  if (!session) throw new Error('nobody is signed in here')
  return session
}
