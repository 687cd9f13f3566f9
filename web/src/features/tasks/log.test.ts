import { beforeEach, describe, expect, it } from 'vitest'
import type { TaskView } from '@/api/generated'
import { Problem } from '@/api/problem'
import { isFailed, isOpen, TaskLog } from './log'

const task = (fields: Partial<TaskView>) =>
  ({ id: 't1', created_at: '2026-01-01T00:00:00Z', state: 'queued', ...fields }) as TaskView
const refusal = new Problem({
  type: '',
  title: '',
  status: 409,
  detail: 'VM web1 is running.',
  kind: 'conflict',
  code: 'vm.state',
  hint: 'Stop it.',
})

describe('the log of a user', () => {
  let kept: Map<string, string>
  let storage: Pick<Storage, 'getItem' | 'setItem'>
  beforeEach(() => {
    kept = new Map()
    storage = { getItem: key => kept.get(key) ?? null, setItem: (key, value) => void kept.set(key, value) }
  })

  it('keeps a failure with its words, over a reload', () => {
    const log = new TaskLog('ada', storage)
    log.submitted(task({}), 'Start web1')
    log.follow([task({ state: 'failed', error: { message: 'No memory.', hint: 'Add some.', code: 'vm.memory' } })])
    const [entry] = new TaskLog('ada', storage).all()
    expect(entry).toMatchObject({ state: 'failed', message: 'No memory.', hint: 'Add some.', code: 'vm.memory' })
  })

  it('keeps what was refused at once', () => {
    const log = new TaskLog('ada', storage)
    log.answered('Delete web1', refusal)
    expect(log.all()[0]).toMatchObject({ state: 'refused', message: 'VM web1 is running.', code: 'vm.state' })
    expect(log.all().filter(isFailed)).toHaveLength(1)
  })

  it('puts away what is over and keeps what is under way', () => {
    const log = new TaskLog('ada', storage)
    log.submitted(task({ id: 't1' }), 'Start web1')
    log.submitted(task({ id: 't2' }), 'Start web2')
    log.follow([task({ id: 't2', state: 'succeeded' })])
    log.clear()
    expect(log.all().map(entry => entry.id)).toEqual(['t1'])
    expect(log.all().every(isOpen)).toBe(true)
  })

  it("is not another user's", () => {
    new TaskLog('ada', storage).answered('x')
    expect(new TaskLog('bob', storage).all()).toEqual([])
  })

  it('tells only when something changed', () => {
    const log = new TaskLog('ada', storage)
    log.submitted(task({}), 'Start web1')
    let told = 0
    log.subscribe(() => told++)
    log.follow([task({})])
    log.follow([task({ state: 'running' })])
    expect(told).toBe(1)
  })
})
