import { describe, expect, it } from 'vitest'
import { type Fields, filterRows, parseFilter, toggleTerm, unknownFields } from './filter'

interface Row {
  name: string
  state: string
  tags: string[]
  host?: string
}

const ROWS: Row[] = [
  { name: 'web1', state: 'running', tags: ['prod', 'web'], host: 'h1' },
  { name: 'web2', state: 'stopped', tags: ['test', 'web'], host: 'h2' },
  { name: 'db main', state: 'running', tags: ['prod'], host: 'h2' },
  { name: 'idle', state: 'paused', tags: [] },
]
const FIELDS: Fields<Row> = {
  '': row => [row.name, ...row.tags],
  power: row => row.state,
  tag: row => row.tags,
  host: row => row.host,
}
const names = (text: string) => filterRows(ROWS, text, FIELDS).map(row => row.name)

describe('filterRows', () => {
  it.each([
    ['', ['web1', 'web2', 'db main', 'idle']],
    ['power:running', ['web1', 'db main']],
    ['tag:prod power:running host:h2', ['db main']],
    ['-tag:web', ['db main', 'idle']],
    ['power:running power:paused', ['web1', 'db main', 'idle']],
    ['power:stopped,paused', ['web2', 'idle']],
    ['power:run', []],
    ['power:run*', ['web1', 'db main']],
    ['web', ['web1', 'web2']],
    ['WEB prod', ['web1']],
    ['-web', ['db main', 'idle']],
    ['"db main"', ['db main']],
    ['-host:h2', ['web1', 'idle']],
    ['host:', ['web1', 'web2', 'db main', 'idle']],
    ['-', ['web1', 'web2', 'db main', 'idle']],
  ])('%s', (text, expected) => expect(names(text)).toEqual(expected))

  it('leaves the rows as they are without a filter', () => {
    expect(filterRows(ROWS, '  ', FIELDS)).toBe(ROWS)
  })
})

it('names fields that rows do not have', () => {
  expect(unknownFields(parseFilter('tag:a colour:red x'), FIELDS)).toEqual(['colour'])
})

it('a term is added and taken away', () => {
  expect(toggleTerm('web', 'power:running')).toBe('web power:running')
  expect(toggleTerm('web power:running', 'power:running')).toBe('web')
})

it('5,000 rows are filtered within a keystroke', () => {
  const many = Array.from({ length: 5000 }, (_, n) => ({
    name: `vm-${n}`,
    state: 'running',
    tags: ['prod', `t${n % 9}`],
  }))
  const begin = performance.now()
  expect(filterRows(many, 'vm-4 tag:t3 power:running', FIELDS).length).toBeGreaterThan(50)
  expect(performance.now() - begin).toBeLessThan(60)
})
