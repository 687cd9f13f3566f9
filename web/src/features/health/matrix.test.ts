import { describe, expect, it } from 'vitest'
import { byUrgency, type Cell, cellAt, gridOf } from './matrix'

describe('gridOf', () => {
  it('takes large cells where few things are', () =>
    expect(gridOf(10, 260, 400)).toEqual({ columns: 10, rows: 1, size: 26 }))
  it('makes them smaller until all fit', () => {
    const grid = gridOf(5000, 1200, 500)
    expect(grid.size).toBeGreaterThanOrEqual(10)
    expect(grid.rows * grid.size).toBeLessThanOrEqual(500)
    expect(grid.rows * grid.columns).toBeGreaterThanOrEqual(5000)
  })
  it('grows downwards when they cannot be smaller', () => expect(gridOf(50_000, 1000, 100).rows).toBe(500))
})

describe('cellAt', () => {
  const grid = { columns: 4, rows: 2, size: 10 }
  it.each([
    [0, 0, 0],
    [39, 9, 3],
    [5, 15, 4],
    [40, 0, undefined],
    [35, 15, undefined],
    [-1, 0, undefined],
  ])('%d, %d', (x, y, index) => expect(cellAt(grid, 7, x, y)).toBe(index))
})

it('what needs somebody comes first', () => {
  const cell = (tone: Cell['tone']) => ({ id: tone, name: tone, state: '', tone, to: '' })
  expect(byUrgency([cell('good'), cell('quiet'), cell('bad'), cell('warning')]).map(one => one.tone)).toEqual([
    'bad',
    'warning',
    'good',
    'quiet',
  ])
})
