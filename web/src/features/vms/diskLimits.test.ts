import { expect, it } from 'vitest'
import { excluded, limitsDraftOf, limitsOf, limitsShown, NO_LIMITS as NONE } from './diskLimits'

const MIB = 1024 ** 2
const typed = (rate: string, burst = '', seconds: number | null = null) => ({ rate, burst, seconds })

it('limits that there are come to the same limits', () => {
  const limits = {
    write_bytes: { rate: 50 * MIB, burst: 200 * MIB, seconds: 10 },
    read_bytes: { rate: 1_234_567, burst: 0, seconds: 0 },
    total_iops: { rate: 500, burst: 0, seconds: 0 },
  }
  expect(limitsOf(limitsDraftOf(limits))).toEqual(limits)
})

it('what is left empty has no limit, and no burst without a rate', () => {
  expect(limitsOf(NONE)).toEqual({})
  expect(limitsOf({ ...NONE, read_iops: typed('', '100', 5) })).toEqual({})
  expect(limitsOf({ ...NONE, read_iops: typed('100', '', 5) })).toEqual({
    read_iops: { rate: 100, burst: 0, seconds: 0 },
  })
})

it('a number alone is MiB, or requests', () => {
  expect(limitsOf({ ...NONE, total_bytes: typed('50') })?.total_bytes?.rate).toBe(50 * MIB)
  expect(limitsOf({ ...NONE, total_iops: typed('50') })?.total_iops?.rate).toBe(50)
})

it('nothing is sent as long as a number cannot be read', () => {
  expect(limitsOf({ ...NONE, total_iops: typed('50M') })).toBeUndefined()
  expect(limitsOf({ ...NONE, total_bytes: typed('1G', 'more') })).toBeUndefined()
})

it('a total and its parts exclude each other, for bytes and requests each', () => {
  const draft = { ...NONE, total_bytes: typed('50M') }
  expect(excluded(draft, 'read_bytes')).toBe(true)
  expect(excluded(draft, 'read_iops')).toBe(false)
  expect(excluded({ ...NONE, write_iops: typed('5') }, 'total_iops')).toBe(true)
  expect(excluded(draft, 'total_bytes')).toBe(false)
})

it('limits are words', () => {
  expect(
    limitsShown({ read_iops: { rate: 200, burst: 400 }, total_bytes: { rate: 50 * MIB } }).map(({ text }) => text),
  ).toEqual(['50 MiB/s', '200/s (400/s, 1 s)'])
})
