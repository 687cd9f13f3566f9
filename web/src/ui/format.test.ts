import { describe, expect, it } from 'vitest'
import { ago, bytes, duration, parseSize } from './format'

describe('bytes', () => {
  it.each([
    [0, '0 B'],
    [1536, '1.5 KiB'],
    [512 * 1024 ** 2, '512 MiB'],
    [10 * 1024 ** 3, '10 GiB'],
    [123.4 * 1024 ** 3, '123 GiB'],
    [2 ** 60, '1024 PiB'],
  ])('%d is %s', (count, text) => expect(bytes(count)).toBe(text))
})

describe('parseSize', () => {
  it.each([
    ['10', 10 * 1024 ** 3],
    ['10 GiB', 10 * 1024 ** 3],
    ['512m', 512 * 1024 ** 2],
    ['1.5TB', 1.5 * 1024 ** 4],
  ])('%s', (text, count) => expect(parseSize(text)).toBe(count))
  it.each(['', 'x', '-1', '10 apples', '1e9'])('%s is no size', text => expect(parseSize(text)).toBeUndefined())
})

it('ago speaks the language', () => {
  const now = new Date('2026-01-01T12:00:00Z').getTime()
  expect(ago('2026-01-01T11:57:00Z', 'en', now)).toBe('3 minutes ago')
  expect(ago('2026-01-01T11:57:00Z', 'zh', now)).toBe('3分钟前')
  expect(ago('2025-12-31T12:00:00Z', 'en', now)).toBe('yesterday')
})

it('duration', () => {
  expect(duration('2026-01-01T00:00:00Z', '2026-01-01T00:00:00.400Z')).toBe('0.4 s')
  expect(duration('2026-01-01T00:00:00Z', '2026-01-01T00:03:05Z')).toBe('3 min 5 s')
})
