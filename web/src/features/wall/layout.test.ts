import { describe, expect, it } from 'vitest'
import { added, type Layout, missing, moved, readLayout, resized, USUAL, without } from './layout'

const LAYOUT: Layout = [
  { kind: 'running', wide: false },
  { kind: 'alarms', wide: true },
  { kind: 'load', wide: false },
]
const kinds = (layout: Layout) => layout.map(one => one.kind)

describe('a kept layout', () => {
  it('is what was kept', () => {
    expect(readLayout(JSON.stringify(LAYOUT))).toEqual(LAYOUT)
  })

  it('may be empty', () => {
    expect(readLayout('[]')).toEqual([])
  })

  it.each([null, '', 'no json', '{"kind": "running"}', 'null'])('%s stands for the usual one', text => {
    expect(readLayout(text)).toBe(USUAL)
  })

  it('loses what is no panel, and what is there twice', () => {
    const kept = [null, 3, { kind: 'weather', wide: false }, { kind: 'hosts_up' }, ...LAYOUT, LAYOUT[0]]
    expect(readLayout(JSON.stringify(kept))).toEqual(LAYOUT)
  })
})

describe('arranging', () => {
  it('moves a panel, and the others make room', () => {
    expect(kinds(moved(LAYOUT, 'load', 0))).toEqual(['load', 'running', 'alarms'])
    expect(kinds(moved(LAYOUT, 'running', 1))).toEqual(['alarms', 'running', 'load'])
  })

  it('ends at the ends, and does not invent panels', () => {
    expect(kinds(moved(LAYOUT, 'running', -1))).toEqual(kinds(LAYOUT))
    expect(kinds(moved(LAYOUT, 'running', 9))).toEqual(['alarms', 'load', 'running'])
    expect(moved(LAYOUT, 'clock', 0)).toBe(LAYOUT)
  })

  it('adds at the end, takes away, and offers what is missing', () => {
    const more = added(LAYOUT, 'clock')
    expect(kinds(more)).toEqual(['running', 'alarms', 'load', 'clock'])
    expect(missing(more)).not.toContain('clock')
    expect(missing(without(more, 'clock'))).toContain('clock')
  })

  it('makes one wide and narrow again', () => {
    expect(resized(LAYOUT, 'load')[2]).toEqual({ kind: 'load', wide: true })
    expect(resized(resized(LAYOUT, 'load'), 'load')).toEqual(LAYOUT)
  })
})
