export interface Sort {
  key: string
  descending: boolean
}

/** `-name` as in the address bar and the API. */
export const parseSort = (text: string): Sort => ({ key: text.replace(/^-/, ''), descending: text.startsWith('-') })
export const sortText = (sort: Sort) => `${sort.descending ? '-' : ''}${sort.key}`

const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' })

/** Numbers by size, texts as people sort them (`web2` before `web10`), what is missing last. */
export function compare(one: unknown, other: unknown): number {
  const gone = Number(one === null || one === undefined || one === '')
  const otherGone = Number(other === null || other === undefined || other === '')
  if (gone || otherGone) return gone - otherGone
  if (typeof one === 'number' && typeof other === 'number') return one - other
  return collator.compare(String(one), String(other))
}

/** A sorted copy; equal ones keep their order. */
export function sortRows<T>(
  rows: readonly T[],
  read: ((row: T) => unknown) | undefined,
  descending: boolean,
): readonly T[] {
  if (!read) return rows
  const keyed = rows.map(row => ({ row, value: read(row) }))
  keyed.sort((one, other) => (descending ? -1 : 1) * compare(one.value, other.value))
  return keyed.map(({ row }) => row)
}
