import { describe, expect, it } from 'vitest'
import type { Inventory } from './tree'
import { stepFrom, Tree, typedTo } from './tree'

const vm = (name: string, host: string | null) => ({ id: name, name, host_id: host })
const inventory = (vms: ReturnType<typeof vm>[]) =>
  ({
    pools: [{ id: 'p1', name: 'lab' }],
    hosts: [
      { id: 'h10', name: 'host10', pool_id: 'p1' },
      { id: 'h2', name: 'host2', pool_id: 'p1' },
    ],
    vms,
    networks: [{ id: 'n', name: 'lan' }],
    storages: [],
    images: [{ id: 'i', name: 'debian' }],
  }) as unknown as Inventory
const tree = new Tree(inventory([vm('web10', 'h2'), vm('web2', 'h2'), vm('lost', null), vm('adrift', 'gone')]))
const ALL = new Set(['pool p1', 'host h2', 'homeless', 'networks', 'images'])

describe('the tree', () => {
  it('begins with pools, and leaves out what there is none of', () => {
    expect(tree.lines(new Set()).map(line => line.key)).toEqual(['pool p1', 'homeless', 'networks', 'images'])
  })

  it('shows what is below an open node, as people sort it, with its place among its sisters', () => {
    expect(tree.lines(ALL).map(line => `${line.level} ${line.key} ${line.at}/${line.among}`)).toEqual([
      '1 pool p1 1/4',
      '2 host h2 1/2',
      '3 vm web2 1/2',
      '3 vm web10 2/2',
      '2 host h10 2/2',
      '1 homeless 2/4',
      '2 vm adrift 1/2',
      '2 vm lost 2/2',
      '1 networks 3/4',
      '2 network n 1/1',
      '1 images 4/4',
      '2 image i 1/1',
    ])
  })

  it('a node without anything below is never open', () => {
    const line = tree.lines(new Set(['pool p1', 'host h10'])).find(one => one.key === 'host h10')
    expect(line).toMatchObject({ open: false, size: 0 })
  })

  it('what is below a node is made once', () => {
    expect(tree.children('host h2')).toBe(tree.children('host h2'))
  })

  it('thousands of VMs below one host are in order', () => {
    const many = Array.from({ length: 5000 }, (_, number) => vm(`vm${4999 - number}`, 'h2'))
    const lines = new Tree(inventory(many)).lines(new Set(['pool p1', 'host h2']))
    expect(lines).toHaveLength(5005)
    expect(lines[2]).toMatchObject({ key: 'vm vm0', among: 5000 })
    expect(lines[5001]).toMatchObject({ key: 'vm vm4999', at: 5000 })
  })
})

describe('the keys of a tree', () => {
  const lines = tree.lines(ALL)

  it('right opens, and goes to the first below what is open', () => {
    expect(stepFrom(tree.lines(new Set()), 0, 'ArrowRight')).toEqual({ toggle: true })
    expect(stepFrom(lines, 0, 'ArrowRight')).toEqual({ to: 1 })
    expect(stepFrom(lines, 2, 'ArrowRight')).toEqual({})
  })

  it('left closes, and goes up from what is closed', () => {
    expect(stepFrom(lines, 1, 'ArrowLeft')).toEqual({ toggle: true })
    expect(stepFrom(lines, 3, 'ArrowLeft')).toEqual({ to: 1 })
    expect(stepFrom(tree.lines(new Set()), 0, 'ArrowLeft')).toEqual({})
  })

  it('up and down end at the ends', () => {
    expect(stepFrom(lines, 0, 'ArrowUp')).toEqual({ to: 0 })
    expect(stepFrom(lines, 11, 'ArrowDown')).toEqual({ to: 11 })
    expect(stepFrom(lines, 4, 'End')).toEqual({ to: 11 })
    expect(stepFrom(lines, 4, 'PageUp')).toEqual({ to: 0 })
  })

  it('other keys do nothing', () => {
    expect(stepFrom(lines, 4, 'Tab')).toEqual({})
  })
})

describe('typing a name', () => {
  const names = ['alpha', 'web1', 'beta', 'web2']

  it('goes to the next that begins so, round and round', () => {
    expect(typedTo(names, 1, 'w')).toBe(3)
    expect(typedTo(names, 3, 'w')).toBe(1)
  })

  it('stays where it is while more letters still fit', () => {
    expect(typedTo(names, 1, 'we')).toBe(1)
    expect(typedTo(names, 1, 'web2')).toBe(3)
  })

  it('finds nothing where nothing is', () => {
    expect(typedTo(names, 0, 'x')).toBeUndefined()
    expect(typedTo([], 0, 'x')).toBeUndefined()
  })
})
