import type { DiskLimits, DiskLimitsShape, DiskRate } from '@/api/generated'
import { exactBytes, parseSize } from '@/ui/format'

export const LIMIT_KINDS = [
  'total_bytes',
  'read_bytes',
  'write_bytes',
  'total_iops',
  'read_iops',
  'write_iops',
] as const
export type LimitKind = (typeof LIMIT_KINDS)[number]

/** A limit as it is typed; without a rate there is none. */
export interface RateDraft {
  rate: string
  burst: string
  seconds: number | null
}
export type LimitsDraft = Record<LimitKind, RateDraft>

const NONE: RateDraft = { rate: '', burst: '', seconds: null }
export const NO_LIMITS = Object.fromEntries(LIMIT_KINDS.map(kind => [kind, NONE])) as LimitsDraft
const isBytes = (kind: LimitKind) => kind.endsWith('bytes')

export function limitsDraftOf(limits: DiskLimits): LimitsDraft {
  const draft = (kind: LimitKind): RateDraft => {
    const limit = limits[kind]
    if (!limit) return NONE
    return {
      rate: textOf(kind, limit.rate),
      burst: limit.burst ? textOf(kind, limit.burst) : '',
      seconds: limit.seconds || null,
    }
  }
  return Object.fromEntries(LIMIT_KINDS.map(kind => [kind, draft(kind)])) as LimitsDraft
}

const textOf = (kind: LimitKind, count: number) => (isBytes(kind) ? exactBytes(count) : String(count))

/** Bytes a second are typed as sizes are, a number alone in MiB; requests as numbers. */
function read(kind: LimitKind, text: string): number | undefined {
  if (text.trim() === '') return 0
  if (isBytes(kind)) return parseSize(text, 'm')
  return /^\d+$/.test(text.trim()) ? Number(text) : undefined
}

export const isLimit = (kind: LimitKind, text: string) => read(kind, text) !== undefined

/** All the limits that a disk is to have; undefined if one cannot be read. */
export function limitsOf(draft: LimitsDraft): DiskLimitsShape | undefined {
  const limits: DiskLimitsShape = {}
  for (const kind of LIMIT_KINDS) {
    const { rate, burst, seconds } = draft[kind]
    const [most, peak] = [read(kind, rate), read(kind, burst)]
    if (most === undefined || peak === undefined) return undefined
    if (most === 0) continue
    limits[kind] = { rate: most, burst: peak, seconds: peak ? (seconds ?? 0) : 0 }
  }
  return limits
}

/** Whether there is no room for this one: a total leaves none for reading or writing alone, and they none for it. */
export function excluded(draft: LimitsDraft, kind: LimitKind): boolean {
  const unit = isBytes(kind) ? 'bytes' : 'iops'
  const others: LimitKind[] = kind.startsWith('total') ? [`read_${unit}`, `write_${unit}`] : [`total_${unit}`]
  return others.some(other => draft[other].rate !== '')
}

/** The limits that there are, with their numbers for people. */
export function limitsShown(limits: DiskLimits): { kind: LimitKind; text: string }[] {
  return LIMIT_KINDS.flatMap(kind => {
    const limit = limits[kind]
    return limit ? [{ kind, text: rateWords(kind, limit) }] : []
  })
}

function rateWords(kind: LimitKind, { rate, burst, seconds }: DiskRate): string {
  const speed = (count: number) => `${textOf(kind, count)}/s`
  return burst ? `${speed(rate)} (${speed(burst)}, ${seconds || 1} s)` : speed(rate)
}
