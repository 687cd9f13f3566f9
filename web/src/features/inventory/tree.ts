import type { HostView, ImageView, NetworkView, PoolView, StorageView, VmView } from '@/api/generated'
import { compare } from '@/ui/sort'

/** Everything that the tree is made of. */
export interface Inventory {
  pools: readonly PoolView[]
  hosts: readonly HostView[]
  vms: readonly VmView[]
  networks: readonly NetworkView[]
  storages: readonly StorageView[]
  images: readonly ImageView[]
}

export type Thing =
  | { kind: 'pool'; about: PoolView }
  | { kind: 'host'; about: HostView }
  | { kind: 'vm'; about: VmView }
  | { kind: 'network'; about: NetworkView }
  | { kind: 'storage'; about: StorageView }
  | { kind: 'image'; about: ImageView }
  | { kind: Branch; about?: undefined }

/** What is no object but holds some: VMs that are on no host, and all of a noun. */
export type Branch = 'homeless' | 'networks' | 'storages' | 'images'

/** One entry of the tree; `size` is how many are right below. */
export type Node = Thing & { key: string; size: number }

/** A node in its place, as it is drawn: `at` of `among` sisters, from 1. */
export type Line = Node & { level: number; at: number; among: number; open: boolean; parent: string }

const byName = <T extends { name: string }>(rows: readonly T[]): T[] =>
  [...rows].sort((one, other) => compare(one.name, other.name))

/** The tree over an inventory. What is below a node is looked up and sorted when it is opened, and not again. */
export class Tree {
  private readonly below = new Map<string, Node[]>()
  private readonly hostsOf = new Map<string, HostView[]>()
  private readonly vmsOf = new Map<string, VmView[]>()

  constructor(private readonly all: Inventory) {
    const known = new Set(all.hosts.map(host => host.id))
    for (const host of all.hosts) push(this.hostsOf, host.pool_id, host)
    for (const vm of all.vms) push(this.vmsOf, vm.host_id !== null && known.has(vm.host_id) ? vm.host_id : '', vm)
  }

  /** What is below a node; with `''` the first level. */
  children(key: string): Node[] {
    const known = this.below.get(key)
    if (known) return known
    const made = this.make(key)
    this.below.set(key, made)
    return made
  }

  /** The lines in sight while these nodes are open. */
  lines(open: ReadonlySet<string>): Line[] {
    const lines: Line[] = []
    const add = (parent: string, level: number) => {
      const sisters = this.children(parent)
      sisters.forEach((node, index) => {
        const opened = node.size > 0 && open.has(node.key)
        lines.push({ ...node, level, at: index + 1, among: sisters.length, open: opened, parent })
        if (opened) add(node.key, level + 1)
      })
    }
    add('', 1)
    return lines
  }

  private make(key: string): Node[] {
    const [kind = '', id = ''] = key.split(' ')
    switch (kind) {
      case '':
        return this.roots()
      case 'pool':
        return byName(this.hostsOf.get(id) ?? []).map(host => ({
          key: `host ${host.id}`,
          kind: 'host',
          about: host,
          size: this.vmsOf.get(host.id)?.length ?? 0,
        }))
      case 'host':
        return leaves('vm', this.vmsOf.get(id) ?? [])
      case 'homeless':
        return leaves('vm', this.vmsOf.get('') ?? [])
      case 'networks':
        return leaves('network', this.all.networks)
      case 'storages':
        return leaves('storage', this.all.storages)
      case 'images':
        return leaves('image', this.all.images)
      default:
        return []
    }
  }

  private roots(): Node[] {
    const pools: Node[] = byName(this.all.pools).map(pool => ({
      key: `pool ${pool.id}`,
      kind: 'pool',
      about: pool,
      size: this.hostsOf.get(pool.id)?.length ?? 0,
    }))
    const branches: [Branch, number][] = [
      ['homeless', this.vmsOf.get('')?.length ?? 0],
      ['networks', this.all.networks.length],
      ['storages', this.all.storages.length],
      ['images', this.all.images.length],
    ]
    const others = branches.filter(([, size]) => size > 0).map(([kind, size]): Node => ({ key: kind, kind, size }))
    return [...pools, ...others]
  }
}

function leaves<K extends 'vm' | 'network' | 'storage' | 'image'>(
  kind: K,
  rows: readonly Extract<Thing, { kind: K }>['about'][],
): Node[] {
  return byName(rows as readonly { id: string; name: string }[]).map(
    about => ({ key: `${kind} ${about.id}`, kind, about, size: 0 }) as Node,
  )
}

function push<T>(map: Map<string, T[]>, key: string, value: T): void {
  const there = map.get(key)
  if (there) there.push(value)
  else map.set(key, [value])
}

/** Where a key leads from a line: to another line, or to open or close this one (WAI-ARIA's tree). */
export function stepFrom(lines: readonly Line[], at: number, key: string): { to?: number; toggle?: boolean } {
  const line = lines[at]
  const last = lines.length - 1
  switch (key) {
    case 'ArrowDown':
      return { to: Math.min(last, at + 1) }
    case 'ArrowUp':
      return { to: Math.max(0, at - 1) }
    case 'Home':
      return { to: 0 }
    case 'End':
      return { to: last }
    case 'PageDown':
      return { to: Math.min(last, at + PAGE) }
    case 'PageUp':
      return { to: Math.max(0, at - PAGE) }
    case 'ArrowRight':
      if (!line || line.size === 0) return {}
      return line.open ? { to: at + 1 } : { toggle: true }
    case 'ArrowLeft':
      if (!line) return {}
      if (line.open) return { toggle: true }
      return line.parent ? { to: lines.findIndex(other => other.key === line.parent) } : {}
    default:
      return {}
  }
}
const PAGE = 10

/** The next line after `at` that is called so, as one types. */
export function typedTo(names: readonly string[], at: number, typed: string): number | undefined {
  const wanted = typed.toLowerCase()
  const start = typed.length > 1 ? 0 : 1 // the same letter again goes on to the next
  for (let step = start; step <= names.length; step++) {
    const index = (at + step) % names.length
    if (names[index]?.toLowerCase().startsWith(wanted)) return index
  }
  return undefined
}
