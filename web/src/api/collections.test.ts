import { expect, it } from 'vitest'
import { merge } from './collections'

const vm = (id: string, revision = 1) => ({ id, revision })
const task = (id: string, seq: number) => ({ id, seq })

it('what changed stays in its place, what is gone leaves, what is new comes last', () => {
  const before = [vm('a'), vm('b'), vm('c')]
  expect(merge(before, ['b', 'c', 'd'], [vm('d'), vm('b', 2)])).toEqual([vm('a'), vm('b', 2), vm('d')])
})

it('rows that were not asked for are the same objects', () => {
  const before = [vm('a'), vm('b')]
  expect(merge(before, ['b'], [])[0]).toBe(before[0])
})

it('new tasks come first', () => {
  expect(merge([task('b', 2), task('a', 1)], ['c', 'b'], [task('b', 2), task('c', 3)]).map(one => one.id)).toEqual([
    'c',
    'b',
    'a',
  ])
})

it('a collection of tasks that was empty takes the first ones', () => {
  expect(merge<{ id: string; seq?: number }>([], ['x', 'y'], [task('x', 1), task('y', 2)]).map(one => one.id)).toEqual([
    'y',
    'x',
  ])
})
