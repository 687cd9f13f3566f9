import { describe, expect, it } from 'vitest'
import { ago, bitRate, bytes, duration, exactBytes, parseBitRate, parseSize } from './format'

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
    ['100 B', 100],
  ])('%s', (text, count) => expect(parseSize(text)).toBe(count))
  it.each(['', 'x', '-1', '10 apples', '1e9'])('%s is no size', text => expect(parseSize(text)).toBeUndefined())
})

it('a number alone has the usual unit', () => expect(parseSize('50', 'm')).toBe(50 * 1024 ** 2))

it.each([0, 100, 1024, 1_234_567, 50 * 1024 ** 2, 3 * 1024 ** 4])('%d bytes stay the same as a text', count =>
  expect(parseSize(exactBytes(count))).toBe(count),
)

describe('rates of networks', () => {
  it.each([
    ['50', 50_000],
    ['500k', 500],
    ['2.5 Gbit/s', 2_500_000],
  ])('%s', (text, kilobits) => expect(parseBitRate(text)).toBe(kilobits))
  it.each(['', 'fast', '1T'])('%s is none', text => expect(parseBitRate(text)).toBeUndefined())
  it.each([64, 1500, 400_000_000, 1_234_567])('%d kbit stay the same as a text', kilobits =>
    expect(parseBitRate(bitRate(kilobits))).toBe(kilobits),
  )
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
