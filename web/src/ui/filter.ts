/** One word of a filter: `tag:prod`, `-net:lan`, or a bare word that is looked for in the row's own text. */
export interface Term {
  field: string
  value: string
  negated: boolean
}

/** What rows can be asked for, by field: a text, several, or nothing. `''` is what bare words are looked for in. */
export type Fields<T> = Record<string, (row: T) => string | readonly string[] | null | undefined>

const WORD = /(-?)(?:([a-z_]+):)?(?:"([^"]*)"?|(\S+))/gi

/** The terms of a filter as it is typed; what is half typed does not narrow anything yet. */
export function parseFilter(text: string): Term[] {
  const terms: Term[] = []
  for (const [, minus, field, quoted, plain] of text.matchAll(WORD)) {
    const value = (quoted ?? plain ?? '').toLowerCase()
    if (field === undefined && value.endsWith(':')) continue
    if (value && value !== '-') terms.push({ field: (field ?? '').toLowerCase(), value, negated: minus === '-' })
  }
  return terms
}

/** Fields that are named in the filter and that rows do not have. */
export function unknownFields<T>(terms: Term[], fields: Fields<T>): string[] {
  return terms.map(term => term.field).filter(field => !(field in fields))
}

/** The rows for which every term holds. Values of one field that are repeated are alternatives: `power:running
 * power:paused`; commas too: `power:running,paused`. */
export function filterRows<T>(rows: readonly T[], text: string, fields: Fields<T>): readonly T[] {
  const tests = testsOf(parseFilter(text), fields)
  return tests.length === 0 ? rows : rows.filter(row => tests.every(test => test(row)))
}

type Test<T> = (row: T) => boolean

function testsOf<T>(terms: Term[], fields: Fields<T>): Test<T>[] {
  const wanted = new Map<string, string[]>()
  const tests: Test<T>[] = []
  for (const { field, value, negated } of terms) {
    const read = fields[field]
    if (!read) continue
    const values = field === '' ? [value] : value.split(',').filter(Boolean)
    if (negated) tests.push(row => !matches(read(row), values, field === ''))
    else if (field === '') tests.push(row => matches(read(row), values, true))
    else wanted.set(field, [...(wanted.get(field) ?? []), ...values])
  }
  for (const [field, values] of wanted) {
    const read = fields[field]
    if (read) tests.push(row => matches(read(row), values, false))
  }
  return tests
}

/** Bare words may stand anywhere; a field's value is meant whole, or up to a `*`. */
function matches(found: string | readonly string[] | null | undefined, values: string[], anywhere: boolean): boolean {
  if (found === null || found === undefined) return false
  const texts = typeof found === 'string' ? [found] : found
  return texts.some(text => {
    const lower = text.toLowerCase()
    return values.some(value => {
      if (anywhere) return lower.includes(value)
      return value.endsWith('*') ? lower.startsWith(value.slice(0, -1)) : lower === value
    })
  })
}

/** The filter with a term more, or without it if it was there. */
export function toggleTerm(text: string, term: string): string {
  const words = text.split(/\s+/).filter(Boolean)
  return (words.includes(term) ? words.filter(word => word !== term) : [...words, term]).join(' ')
}
