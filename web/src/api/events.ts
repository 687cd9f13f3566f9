import type { QueryClient } from '@tanstack/react-query'
import { collectionKey, isNoun, LISTS, refresh, toldKey } from './collections'
import type { EventView } from './generated'

/** How long news are gathered before they are fetched, in ms: a burst of events costs a request, not hundreds. */
const GATHER = 120
const RETRY = 2000

export type Link = 'connecting' | 'live' | 'lost'

/** The one connection by which the manager tells what happens; it feeds the query cache and heals itself. */
export class EventFeed {
  private source: EventSource | undefined
  private timer: ReturnType<typeof setTimeout> | undefined
  private readonly pending = new Map<string, Set<string>>()
  private readonly listeners = new Set<() => void>()
  private state: Link = 'connecting'
  private lastId = ''

  constructor(private readonly client: QueryClient) {}

  get link() {
    return this.state
  }

  readonly subscribe = (listener: () => void) => {
    this.listeners.add(listener)
    return () => void this.listeners.delete(listener)
  }

  open(): void {
    const again = this.lastId !== ''
    this.source = new EventSource(again ? `/api/v1/events?after=${this.lastId}` : '/api/v1/events')
    this.source.onopen = () => {
      if (this.state === 'lost') void this.client.invalidateQueries() // what happened meanwhile
      this.become('live')
    }
    this.source.onerror = () => {
      this.become('lost')
      this.source?.close()
      clearTimeout(this.timer)
      this.timer = setTimeout(() => this.open(), RETRY)
    }
    for (const kind of KINDS) this.source.addEventListener(kind, message => this.take(message as MessageEvent))
  }

  close(): void {
    clearTimeout(this.timer)
    this.source?.close()
    this.listeners.clear()
  }

  private become(state: Link): void {
    if (state === this.state) return
    this.state = state
    for (const tell of this.listeners) tell()
  }

  private take(message: MessageEvent): void {
    this.lastId = message.lastEventId
    const event = JSON.parse(message.data) as EventView
    this.note(event.noun, event.object_id)
  }

  private note(noun: string, id: string): void {
    const ids = this.pending.get(noun) ?? new Set()
    ids.add(id)
    if (this.pending.size === 0) setTimeout(() => void this.fetch(), GATHER)
    this.pending.set(noun, ids)
  }

  private async fetch(): Promise<void> {
    const batch = [...this.pending]
    this.pending.clear()
    await Promise.all(
      batch.map(async ([noun, ids]) => {
        if (isNoun(noun)) {
          await refresh(this.client, noun, [...ids]).catch(() =>
            this.client.invalidateQueries({ queryKey: collectionKey(noun) }),
          )
        }
        void this.client.invalidateQueries({ queryKey: toldKey(noun) })
        for (const id of ids) void this.client.invalidateQueries({ queryKey: ['one', noun, id] })
      }),
    )
  }
}

const VERBS = ['created', 'updated', 'deleted', 'raised', 'cleared']
/** Snapshots are kept for one VM at a time, all others whole. */
const TOLD = [...Object.keys(LISTS), 'snapshot']
const KINDS = TOLD.flatMap(noun => VERBS.map(verb => `${noun}.${verb}`))
