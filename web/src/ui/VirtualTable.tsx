import { Checkbox } from 'antd'
import { ArrowDown, ArrowUp } from 'lucide-react'
import { type CSSProperties, memo, type ReactNode, useCallback, useRef } from 'react'
import { useTranslation } from 'react-i18next'
import type { Sort } from './sort'
import { useVirtualRows } from './virtualRows'

export interface Column<T> {
  key: string
  title: string
  /** In pixels; `grow` shares what is left. */
  width: number
  grow?: number
  render: (row: T) => ReactNode
  /** What it is sorted by; without, it cannot be sorted. */
  value?: (row: T) => unknown
  /** Shown only when chosen. */
  optional?: boolean
}

interface Props<T> {
  label: string
  rows: readonly T[]
  columns: Column<T>[]
  sort: Sort
  onSort: (sort: Sort) => void
  chosen?: ReadonlySet<string>
  onChoose?: (ids: ReadonlySet<string>) => void
  empty?: ReactNode
}

const ROW = 40

/** A table of which only the rows in sight exist: thousands of rows are as quick as ten, and none jumps on news. */
export function VirtualTable<T extends { id: string }>(props: Props<T>) {
  const { rows, columns, sort, onSort, chosen, onChoose } = props
  const { t } = useTranslation()
  const { frame, virtual } = useVirtualRows(rows.length, ROW, index => rows[index]?.id)
  const layout = columns.map(column => `minmax(${column.width}px, ${column.grow ?? 0}fr)`)
  const grid = { gridTemplateColumns: [...(onChoose ? ['40px'] : []), ...layout].join(' ') }
  const width = columns.reduce((sum, column) => sum + column.width, onChoose ? 40 : 0)
  const choose = useLatest((id: string, on: boolean) => onChoose?.(changed(chosen ?? NONE, id, on)))
  const all = rows.length > 0 && chosen !== undefined && rows.every(row => chosen.has(row.id))
  return (
    <div
      ref={frame}
      className="table"
      role="table"
      aria-label={props.label}
      aria-rowcount={rows.length + 1}
      tabIndex={0}
    >
      <div role="rowgroup" className="table-head" style={{ minWidth: width }}>
        <div role="row" className="table-row" style={grid}>
          {onChoose && (
            <div role="columnheader" className="table-cell">
              <Checkbox
                aria-label={t('table.all')}
                checked={all}
                indeterminate={!all && (chosen?.size ?? 0) > 0}
                onChange={event => onChoose(new Set(event.target.checked ? rows.map(row => row.id) : []))}
              />
            </div>
          )}
          {columns.map(column => (
            <HeadCell key={column.key} column={column} sort={sort} onSort={onSort} />
          ))}
        </div>
      </div>
      <div role="rowgroup" style={{ height: virtual.getTotalSize(), position: 'relative', minWidth: width }}>
        {virtual.getVirtualItems().map(({ index, start, key }) => {
          const row = rows[index]
          if (!row) return null
          const place = { ...grid, transform: `translateY(${start}px)` }
          return (
            <Row
              key={key}
              row={row}
              index={index}
              columns={columns}
              style={place}
              template={grid.gridTemplateColumns}
              start={start}
              chosen={onChoose ? (chosen?.has(row.id) ?? false) : undefined}
              choose={choose}
            />
          )
        })}
      </div>
      {rows.length === 0 && <div className="table-empty">{props.empty}</div>}
    </div>
  )
}

const NONE: ReadonlySet<string> = new Set()

function changed(chosen: ReadonlySet<string>, id: string, on: boolean): ReadonlySet<string> {
  const next = new Set(chosen)
  if (on) next.add(id)
  else next.delete(id)
  return next
}

/** A function that stays the same and does what the latest one does: rows need not be drawn anew for it. */
function useLatest<A extends unknown[]>(work: (...args: A) => void): (...args: A) => void {
  const latest = useRef(work)
  latest.current = work
  return useCallback((...args: A) => latest.current(...args), [])
}

function HeadCell<T>({ column, sort, onSort }: { column: Column<T>; sort: Sort; onSort: (sort: Sort) => void }) {
  const mine = sort.key === column.key
  const order = !mine ? 'none' : sort.descending ? 'descending' : 'ascending'
  return (
    <div role="columnheader" className="table-cell" aria-sort={column.value ? order : undefined}>
      {column.value ? (
        <button
          type="button"
          className="table-sort"
          onClick={() => onSort({ key: column.key, descending: mine && !sort.descending })}
        >
          {column.title}
          {mine && (sort.descending ? <ArrowDown size={13} aria-hidden /> : <ArrowUp size={13} aria-hidden />)}
        </button>
      ) : (
        column.title
      )}
    </div>
  )
}

interface RowProps<T> {
  row: T
  index: number
  columns: Column<T>[]
  style: CSSProperties
  template: string
  start: number
  chosen: boolean | undefined
  choose: (id: string, on: boolean) => void
}

function PlainRow<T extends { id: string }>({ row, index, columns, style, chosen, choose }: RowProps<T>) {
  const { t } = useTranslation()
  return (
    <div
      role="row"
      aria-rowindex={index + 2}
      className={`table-row table-body${chosen ? ' chosen' : ''}`}
      style={style}
    >
      {chosen !== undefined && (
        <div role="cell" className="table-cell">
          <Checkbox
            aria-label={t('table.choose', { name: 'name' in row ? String(row.name) : row.id })}
            checked={chosen}
            onChange={event => choose(row.id, event.target.checked)}
          />
        </div>
      )}
      {columns.map(column => (
        <div role="cell" className="table-cell" key={column.key}>
          {column.render(row)}
        </div>
      ))}
    </div>
  )
}

const Row = memo(
  PlainRow,
  (one, other) =>
    one.row === other.row &&
    one.index === other.index &&
    one.start === other.start &&
    one.template === other.template &&
    one.columns === other.columns &&
    one.chosen === other.chosen,
) as typeof PlainRow
