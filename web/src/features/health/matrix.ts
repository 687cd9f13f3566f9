/** One thing in the matrix. */
export interface Cell {
  id: string
  name: string
  state: string
  tone: 'good' | 'warning' | 'bad' | 'info' | 'quiet'
  to: string
}

/** The signs by which states are told apart without colour. */
export const SIGNS: Record<Cell['tone'], string> = { good: '', info: '·', quiet: '–', warning: '!', bad: '×' }

export interface Grid {
  columns: number
  rows: number
  size: number
}

/** The largest cells with which `count` of them fit into the width, between `smallest` and `largest`. */
export function gridOf(count: number, width: number, height: number, smallest = 10, largest = 26): Grid {
  for (let size = largest; size > smallest; size--) {
    const columns = Math.max(1, Math.floor(width / size))
    const rows = Math.ceil(count / columns)
    if (rows * size <= height) return { columns, rows, size }
  }
  const columns = Math.max(1, Math.floor(width / smallest))
  return { columns, rows: Math.ceil(count / columns), size: smallest }
}

/** The cell's number at a point; undefined beside the cells. */
export function cellAt(grid: Grid, count: number, x: number, y: number): number | undefined {
  const column = Math.floor(x / grid.size)
  const index = Math.floor(y / grid.size) * grid.columns + column
  return column >= 0 && column < grid.columns && index >= 0 && index < count ? index : undefined
}

const ORDER: Cell['tone'][] = ['bad', 'warning', 'info', 'good', 'quiet']
/** What needs somebody first. */
export const byUrgency = (cells: Cell[]) =>
  [...cells].sort((one, other) => ORDER.indexOf(one.tone) - ORDER.indexOf(other.tone))
