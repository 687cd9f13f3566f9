import type { NetworkAnswer, NetworkDecision, NetworkQuestion } from '@/api/generated'
import type { View } from '@/ui/view'

/** A place on a packet's way: who sends it, what holds as it leaves, the network, what holds as it comes, who gets it. */
export interface Station {
  kind: 'sender' | 'out' | 'network' | 'in' | 'receiver'
  state: 'passed' | 'stopped' | 'unreached'
  /** What a security group says there. */
  decision?: NetworkDecision
  /** What is known of it beyond that. */
  reason?: string
}

/** The way that an answer tells of; `toVm`: a VM was asked for, not an address. */
export function pathOf(answer: NetworkAnswer, toVm: boolean): Station[] {
  const said = (direction: 'in' | 'out') => answer.decisions.find(one => one.direction === direction)
  const guarded = toVm || answer.outcome === 'arrives' || said('in') !== undefined
  const kinds: Station['kind'][] = ['sender', 'out', 'network', ...(guarded ? (['in'] as const) : []), 'receiver']
  const end = endOf(answer)
  const last = kinds.indexOf(end)
  return kinds.map((kind, at) => {
    const decision = kind === 'out' || kind === 'in' ? said(kind) : undefined
    const reason = kind === end && !decision ? answer.reasons.at(-1) : undefined
    return {
      kind,
      state: at < last || (at === last && answer.passes) ? 'passed' : at === last ? 'stopped' : 'unreached',
      ...(decision ? { decision } : {}),
      ...(reason ? { reason } : {}),
    }
  })
}

function endOf(answer: NetworkAnswer): Station['kind'] {
  if (answer.passes) return 'receiver'
  const no = answer.decisions.find(one => one.action !== 'allow')
  return no ? no.direction : 'network'
}

/** The question that an address bar asks; undefined as long as something is missing. */
export function questionOf({ from, nic, to, protocol = 'tcp', port }: View): NetworkQuestion | undefined {
  if (!from || !to) return undefined
  const rest = { sender: from, receiver: to, ...(nic ? { nic } : {}) }
  if (protocol === 'icmp') return { ...rest, protocol }
  const number = Number(port)
  if ((protocol !== 'tcp' && protocol !== 'udp') || !Number.isInteger(number) || number < 1) return undefined
  return { ...rest, protocol, port: number }
}
