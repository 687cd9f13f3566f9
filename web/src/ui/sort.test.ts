import { expect, it } from 'vitest'
import { parseSort, sortRows, sortText } from './sort'

it('texts are sorted as people do, numbers by size, what is missing last', () => {
  expect(sortRows(['web10', 'web2', 'Web1', ''], text => text, false)).toEqual(['Web1', 'web2', 'web10', ''])
  expect(sortRows([10, 9, null, 100], count => count, false)).toEqual([9, 10, 100, null])
})

it('equal rows keep their order in both directions', () => {
  const rows = [
    { name: 'a', state: 'x' },
    { name: 'b', state: 'x' },
  ]
  expect(sortRows(rows, row => row.state, true).map(row => row.name)).toEqual(['a', 'b'])
})

it('is written as in the address bar', () => {
  expect(parseSort('-name')).toEqual({ key: 'name', descending: true })
  expect(sortText(parseSort('-name'))).toBe('-name')
  expect(sortText(parseSort('state'))).toBe('state')
})
