import { describe, expect, it } from 'vitest'
import { Problem } from '@/api/problem'
import { type Carrier, sendParts } from './upload'

const MIB = 1024 ** 2
const FILE = new Blob([new Uint8Array(20 * MIB)])

/** A far end that takes parts and fails as it is told. */
class FarEnd implements Carrier {
  readonly offsets: number[] = []
  here = 0

  constructor(private readonly failures: (Error | 'half')[] = []) {}

  arrived = async () => this.here

  send = async (part: Blob, offset: number) => {
    this.offsets.push(offset)
    const failure = this.failures.shift()
    if (failure === 'half') {
      this.here = offset + part.size / 2
      throw new Error('the connection broke')
    }
    if (failure) throw failure
    this.here = offset + part.size
  }
}

const send = (end: FarEnd, signal = new AbortController().signal, progress = (_: number) => {}) =>
  sendParts(FILE, progress, signal, end, 0)
const problem = (status: number) =>
  new Problem({ type: '', title: '', status, detail: 'No.', kind: '', code: 'image.state' })

describe('a file that is sent in parts', () => {
  it('arrives whole', async () => {
    const end = new FarEnd()
    const told: number[] = []
    await send(end, undefined, sent => told.push(sent))
    expect(end.offsets).toEqual([0, 8 * MIB, 16 * MIB])
    expect(told.at(-1)).toBe(20 * MIB)
  })

  it('goes on where a broken connection left off', async () => {
    const end = new FarEnd(['half'])
    await send(end)
    expect(end.offsets).toEqual([0, 4 * MIB, 12 * MIB])
    expect(end.here).toBe(20 * MIB)
  })

  it('is not repeated when it was refused', async () => {
    const end = new FarEnd([problem(409)])
    await expect(send(end)).rejects.toMatchObject({ code: 'image.state' })
    expect(end.offsets).toEqual([0])
  })

  it('is given up after several failures in a row', async () => {
    const end = new FarEnd(Array.from({ length: 9 }, () => problem(503)))
    await expect(send(end)).rejects.toBeInstanceOf(Problem)
    expect(end.offsets).toHaveLength(6)
  })

  it('ends when it is broken off', async () => {
    const stop = new AbortController()
    stop.abort()
    await expect(send(new FarEnd(), stop.signal)).rejects.toThrow()
  })
})
