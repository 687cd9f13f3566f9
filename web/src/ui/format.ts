const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']

/** Bytes for people: `512 MiB`, `1.5 GiB`. */
export function bytes(count: number): string {
  let [value, unit] = [count, 0]
  while (value >= 1024 && unit < UNITS.length - 1) [value, unit] = [value / 1024, unit + 1]
  const digits = value >= 100 || Number.isInteger(value) ? 0 : 1
  return `${value.toFixed(digits)} ${UNITS[unit]}`
}

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
]

/** How long ago, in the language: `3 minutes ago`. */
export function ago(moment: string, language: string, now = Date.now()): string {
  const seconds = Math.round((new Date(moment).getTime() - now) / 1000)
  const [unit, size] = STEPS.find(([, step]) => Math.abs(seconds) >= step) ?? ['second', 1]
  return new Intl.RelativeTimeFormat(language, { numeric: 'auto' }).format(Math.trunc(seconds / size), unit)
}

export const dateTime = (moment: string, language: string) =>
  new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'medium' }).format(new Date(moment))

/** How long something took: `0.4 s`, `3 min 5 s`. */
export function duration(from: string, to: string): string {
  const seconds = (new Date(to).getTime() - new Date(from).getTime()) / 1000
  if (seconds < 60) return `${seconds.toFixed(1)} s`
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`
}

/** Bytes so that nothing is lost: `1500 KiB`, `1234567 B`. */
export function exactBytes(count: number): string {
  let [value, unit] = [count, 0]
  while (value >= 1024 && value % 1024 === 0 && unit < UNITS.length - 1) [value, unit] = [value / 1024, unit + 1]
  return `${value} ${UNITS[unit]}`
}

/** `12.5 GiB`, `512m`, `2T`, `100 B` as bytes; undefined if it is no size. A number alone is in GiB, or what is
 * `usual`. */
export function parseSize(text: string, usual: 'm' | 'g' = 'g'): number | undefined {
  const match = /^\s*(\d+(?:\.\d+)?)\s*(b|([kmgtp])(?:i?b)?)?\s*$/i.exec(text)
  if (!match?.[1]) return undefined
  const unit = match[2] ? (match[3] ?? ' ') : usual
  return Math.round(Number(match[1]) * 1024 ** ' kmgtp'.indexOf(unit.toLowerCase()))
}

/** A rate in kbit/s for people: `500 kbit/s`, `2.5 Gbit/s`. */
export function bitRate(kilobits: number): string {
  if (kilobits < 1000) return `${kilobits} kbit/s`
  return kilobits < 1_000_000 ? `${kilobits / 1000} Mbit/s` : `${kilobits / 1_000_000} Gbit/s`
}

/** `500k`, `50 Mbit/s`, `2.5G` in kbit; undefined if it is no rate. A number alone is in Mbit. */
export function parseBitRate(text: string): number | undefined {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([kmg]?)(?:bit)?(?:\/s)?\s*$/i.exec(text)
  if (!match?.[1]) return undefined
  return Math.round(Number(match[1]) * 1000 ** 'kmg'.indexOf((match[2] || 'm').toLowerCase()))
}
