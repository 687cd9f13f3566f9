import { expect, it } from 'vitest'
import { changesOf } from './changes'

it('only what was changed is sent', () => {
  expect(changesOf({ name: 'a', ratio: 2 }, { name: 'a', ratio: 3 })).toEqual({ ratio: 3 })
})

it('a list with the same entries is not changed, in another order it is', () => {
  expect(changesOf({ tags: ['x', 'y'] }, { tags: ['x', 'y'] })).toEqual({})
  expect(changesOf({ tags: ['x', 'y'] }, { tags: ['y', 'x'] })).toEqual({ tags: ['y', 'x'] })
})

it('what was emptied is sent as empty', () => {
  expect(changesOf({ outside: '192.0.2.1', tags: ['x'] }, { outside: '', tags: [] })).toEqual({ outside: '', tags: [] })
})
