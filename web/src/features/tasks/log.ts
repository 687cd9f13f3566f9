import { useSyncExternalStore } from 'react'
import type { TaskView } from '@/api/generated'
import type { Problem } from '@/api/problem'

/** What this user asked for, here, and what came of it. Failures stay until they are put away. */
export interface LogEntry {
  id: string
  at: string
  title: string
  taskId?: string
  state: TaskView['state'] | 'refused'
  message?: string
  hint?: string
  code?: string
}

const KEPT = 100

/** One user's log, kept in this browser. */
export class TaskLog {
  private entries: LogEntry[]
  private readonly listeners = new Set<() => void>()
  private readonly key: string

  constructor(
    accountId: string,
    private readonly storage: Pick<Storage, 'getItem' | 'setItem'>,
  ) {
    this.key = `altus.log.${accountId}`
    this.entries = this.read()
  }

  readonly all = () => this.entries

  readonly subscribe = (listener: () => void) => {
    this.listeners.add(listener)
    return () => void this.listeners.delete(listener)
  }

  submitted(task: TaskView, title: string): void {
    this.add({ id: task.id, at: task.created_at, title, taskId: task.id, state: task.state })
  }

  /** The manager did not take it up, or did it at once (`succeeded`). */
  answered(title: string, problem?: Problem): void {
    const told = problem && { message: problem.message, hint: problem.hint, code: problem.code }
    const at = new Date().toISOString()
    this.add({ id: crypto.randomUUID(), at, title, state: problem ? 'refused' : 'succeeded', ...told })
  }

  /** Tasks as they are now. */
  follow(tasks: readonly TaskView[]): void {
    const now = new Map(tasks.map(task => [task.id, task]))
    const newer = this.entries.map(entry => outcome(entry, now.get(entry.taskId ?? '')))
    if (newer.some((entry, index) => entry !== this.entries[index])) this.keep(newer)
  }

  /** Put away what is over; with an id only that one. */
  clear(id?: string): void {
    this.keep(this.entries.filter(entry => (id === undefined ? isOpen(entry) : entry.id !== id)))
  }

  private add(entry: LogEntry): void {
    this.keep([entry, ...this.entries].slice(0, KEPT))
  }

  private keep(entries: LogEntry[]): void {
    this.entries = entries
    this.storage.setItem(this.key, JSON.stringify(entries))
    for (const tell of this.listeners) tell()
  }

  private read(): LogEntry[] {
    try {
      return JSON.parse(this.storage.getItem(this.key) ?? '[]')
    } catch {
      return []
    }
  }
}

export const isOpen = (entry: LogEntry) => ['queued', 'running', 'undoing'].includes(entry.state)
export const isFailed = (entry: LogEntry) => ['failed', 'refused'].includes(entry.state)

function outcome(entry: LogEntry, task: TaskView | undefined): LogEntry {
  if (!task || task.state === entry.state) return entry
  const { message, hint, code } = (task.error ?? {}) as { message?: string; hint?: string; code?: string }
  return { ...entry, state: task.state, message, hint, code }
}

export const useLog = (log: TaskLog) => useSyncExternalStore(log.subscribe, log.all)
