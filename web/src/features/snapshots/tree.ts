/** What the tree needs to know of a snapshot. */
export interface Stage {
  id: string
  parent_id: string | null
  created_at: string
  current: boolean
}

/** One row of the drawn tree; without a snapshot it is the VM as it is now. */
export interface Row<S extends Stage> {
  snapshot?: S
  /** The column of its point. */
  lane: number
  /** The column of what it stands on; undefined: on nothing. */
  from?: number
  /** Columns whose line runs past this row, to what comes below. */
  past: number[]
  /** Whether something stands on it in its own column, below. */
  goesOn: boolean
}

/** The rows from the first snapshot to the VM as it is now, which comes last: the line that leads to it stays in the
 * first column, and every other branch has one of its own, oldest first. */
export function rowsOf<S extends Stage>(snapshots: readonly S[]): Row<S>[] {
  const known = new Map(snapshots.map(one => [one.id, one]))
  const current = snapshots.find(one => one.current)
  const line = lineTo(current, known)
  const children = new Map<string, S[]>()
  for (const one of [...snapshots].sort((a, b) => a.created_at.localeCompare(b.created_at))) {
    const parent = one.parent_id !== null && known.has(one.parent_id) ? one.parent_id : ''
    children.set(parent, [...(children.get(parent) ?? []), one])
  }
  const rows: Row<S>[] = []
  const add = (one: S | undefined, lane: number, from: number | undefined, past: number[]) => {
    const below = one ? branches(children.get(one.id) ?? [], line, one === current) : []
    rows.push({
      ...(one && { snapshot: one }),
      lane,
      ...(from !== undefined && { from }),
      past,
      goesOn: below.length > 0,
    })
    spread(below, lane, one ? lane : undefined, past)
  }
  const spread = (below: (S | undefined)[], lane: number, from: number | undefined, past: number[]) => {
    below.forEach((child, index) => {
      const last = index === below.length - 1
      add(child, last ? lane : lane + 1, from, last || from === undefined ? past : [...past, lane])
    })
  }
  spread(branches(children.get('') ?? [], line, current === undefined), 0, undefined, [])
  return rows
}

function lineTo<S extends Stage>(current: S | undefined, known: Map<string, S>): ReadonlySet<string> {
  const line = new Set<string>()
  for (let at = current; at && !line.has(at.id); at = known.get(at.parent_id ?? '')) line.add(at.id)
  return line
}

/** Those that stand on one: the one that leads to the present last, or the VM itself. */
function branches<S extends Stage>(children: S[], line: ReadonlySet<string>, here: boolean): (S | undefined)[] {
  const main = children.find(child => line.has(child.id))
  const others = children.filter(child => child !== main)
  return [...others, ...(main ? [main] : []), ...(here ? [undefined] : [])]
}
