/** What can be shown on the wall, in the order in which it is offered. */
export const KINDS = [
  'running',
  'trouble',
  'hosts_up',
  'open_tasks',
  'free',
  'clock',
  'alarms',
  'load',
  'failures',
  'vm_matrix',
  'host_matrix',
] as const
export type Kind = (typeof KINDS)[number]

export interface Panel {
  kind: Kind
  wide: boolean
}
export type Layout = readonly Panel[]

const panel = (kind: Kind, wide = false): Panel => ({ kind, wide })
export const USUAL: Layout = [
  panel('running'),
  panel('trouble'),
  panel('hosts_up'),
  panel('open_tasks'),
  panel('alarms', true),
  panel('load', true),
  panel('vm_matrix', true),
  panel('failures', true),
]

/** The layout that was kept; what is no panel is left out, and what cannot be read is the usual one. */
export function readLayout(text: string | null): Layout {
  try {
    const kept: unknown = JSON.parse(text ?? '')
    if (!Array.isArray(kept)) return USUAL
    const seen = new Set<string>()
    return kept.filter(one => {
      const known = KINDS.includes(one?.kind) && typeof one.wide === 'boolean' && !seen.has(one.kind)
      seen.add(one?.kind)
      return known
    })
  } catch {
    return USUAL
  }
}

/** With a panel in the place of another one, which makes room. */
export function moved(layout: Layout, kind: Kind, to: number): Layout {
  const found = layout.find(one => one.kind === kind)
  if (!found) return layout
  const others = layout.filter(one => one !== found)
  const place = Math.min(others.length, Math.max(0, to))
  return [...others.slice(0, place), found, ...others.slice(place)]
}

export const added = (layout: Layout, kind: Kind): Layout => [...without(layout, kind), panel(kind)]
export const without = (layout: Layout, kind: Kind): Layout => layout.filter(one => one.kind !== kind)
export const resized = (layout: Layout, kind: Kind): Layout =>
  layout.map(one => (one.kind === kind ? { ...one, wide: !one.wide } : one))

/** What could be added. */
export const missing = (layout: Layout): Kind[] => KINDS.filter(kind => !layout.some(one => one.kind === kind))
