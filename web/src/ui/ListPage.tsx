import { Button, Checkbox, Input, Popover, Tag } from 'antd'
import { Columns3, Search } from 'lucide-react'
import { type ReactNode, useDeferredValue, useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import type { Problem } from '@/api/problem'
import { useChosenColumns } from './columns'
import { type Fields, filterRows, parseFilter, toggleTerm, unknownFields } from './filter'
import { Page } from './Page'
import { ProblemAlert } from './ProblemAlert'
import { parseSort, sortRows, sortText } from './sort'
import { type Column, VirtualTable } from './VirtualTable'
import { useTyped, useView } from './view'

interface Props<T> {
  /** The list's name in the browser's memory. */
  list: string
  title: string
  intro?: string
  rows: readonly T[]
  loading: boolean
  problem?: Problem | undefined
  retry?: () => void
  columns: Column<T>[]
  fields: Fields<T>
  /** Filters that are offered beside the field. */
  suggestions?: { term: string; label: string }[]
  actions?: ReactNode
  chosen?: ReadonlySet<string>
  onChoose?: (ids: ReadonlySet<string>) => void
  /** Shown above the table, such as what may be done with the chosen rows. */
  above?: ReactNode
  sort?: string
  empty: ReactNode
}

/** A list of anything: filter, order and columns as chosen; filter and order are in the address bar. */
export function ListPage<T extends { id: string }>(props: Props<T>) {
  const { t } = useTranslation()
  const view = useView()
  const sort = parseSort(view.sort ?? props.sort ?? 'name')
  const { chosen, choose, reset } = useChosenColumns(props.list, props.columns)
  const columns = useMemo(() => props.columns.filter(column => chosen.includes(column.key)), [props.columns, chosen])
  const [text, setText] = useTyped(view.q ?? '', view.set)
  const filter = useDeferredValue(text)
  const { rows: all, fields } = props
  const value = props.columns.find(column => column.key === sort.key)?.value
  const sorted = useMemo(() => sortRows(all, value, sort.descending), [all, value, sort.descending])
  const rows = useMemo(() => filterRows(sorted, filter, fields), [sorted, filter, fields])
  const unknown = unknownFields(parseFilter(filter), fields)
  return (
    <Page title={props.title} intro={props.intro} actions={props.actions} full>
      <ProblemAlert problem={props.problem} retry={props.retry} />
      <div className="filter-bar">
        <Input
          className="filter-input"
          prefix={<Search size={15} aria-hidden />}
          value={text}
          onChange={event => setText(event.target.value)}
          placeholder={t('filter.placeholder', { example: example(fields) })}
          aria-label={t('filter.label')}
          spellCheck={false}
          allowClear
        />
        <div className="filter-offers">
          {props.suggestions?.map(({ term, label }) => (
            <Tag.CheckableTag
              key={term}
              checked={text.split(/\s+/).includes(term)}
              onChange={() => setText(toggleTerm(text, term))}
            >
              {label}
            </Tag.CheckableTag>
          ))}
        </div>
        <span className="filter-count" aria-live="polite">
          {props.loading ? t('loading') : t('filter.count', { shown: rows.length, all: all.length })}
        </span>
        <ColumnChoice columns={props.columns} chosen={chosen} choose={choose} reset={reset} />
      </div>
      {unknown.length > 0 && (
        <p className="filter-unknown" role="status">
          {t('filter.unknown', { field: unknown[0] ?? '', fields: Object.keys(fields).filter(Boolean).join(', ') })}
        </p>
      )}
      {props.above}
      <VirtualTable
        label={props.title}
        rows={rows}
        columns={columns}
        sort={sort}
        onSort={next => view.set({ sort: sortText(next) })}
        {...(props.onChoose ? { chosen: props.chosen, onChoose: props.onChoose } : {})}
        empty={props.loading ? t('loading') : all.length > 0 ? t('filter.nothing') : props.empty}
      />
    </Page>
  )
}

function example<T>(fields: Fields<T>): string {
  const names = Object.keys(fields).filter(Boolean)
  return names
    .slice(0, 3)
    .map(name => `${name}:…`)
    .join('  ')
}

interface ChoiceProps<T> {
  columns: Column<T>[]
  chosen: string[]
  choose: (keys: string[]) => void
  reset: () => void
}

function ColumnChoice<T>({ columns, chosen, choose, reset }: ChoiceProps<T>) {
  const { t } = useTranslation()
  const content = (
    <div className="column-choice">
      {columns.map(column => (
        <Checkbox
          key={column.key}
          checked={chosen.includes(column.key)}
          disabled={column.key === 'name'}
          onChange={event =>
            choose(event.target.checked ? [...chosen, column.key] : chosen.filter(key => key !== column.key))
          }
        >
          {column.title}
        </Checkbox>
      ))}
      <Button size="small" type="link" onClick={reset}>
        {t('columns.reset')}
      </Button>
    </div>
  )
  return (
    <Popover content={content} trigger="click" placement="bottomRight">
      <Button icon={<Columns3 size={15} />} aria-label={t('columns.choose')} title={t('columns.choose')} />
    </Popover>
  )
}
