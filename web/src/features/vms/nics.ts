import type { NicCreate, NicEdit, NicLimit, NicLimitShape, NicLink, NicModel, VmNicView } from '@/api/generated'
import { bitRate, parseBitRate } from '@/ui/format'

/** A NIC that a VM is to get. */
export interface NewNic {
  network: string
  address: string
  model: NicModel
  groups: string[]
}

export const FIRST_NIC: NewNic = { network: '', address: '', model: 'virtio', groups: [] }

export const nicCreateOf = ({ network, address, model, groups }: NewNic): NicCreate => ({
  network,
  model,
  ...(address ? { address } : {}),
  ...(groups.length > 0 ? { security_groups: groups } : {}),
})

/** A limit as it is typed; without a rate there is none. */
export interface LimitDraft {
  rate: string
  burst: string
}

/** A NIC that there is, as it is to be. */
export interface NicDraft extends NewNic {
  link: NicLink
  in: LimitDraft
  out: LimitDraft
}

export const nicDraftOf = (nic: VmNicView): NicDraft => ({
  network: nic.network_id,
  address: '',
  model: nic.model,
  groups: nic.security_groups,
  link: nic.link,
  in: limitDraft(nic.limit_in),
  out: limitDraft(nic.limit_out),
})

function limitDraft(limit: NicLimit | null): LimitDraft {
  if (!limit) return { rate: '', burst: '' }
  return { rate: bitRate(limit.rate), burst: limit.burst ? bits(limit.burst) : '' }
}

/** What a burst has is no rate. */
const bits = (kilobits: number) => bitRate(kilobits).replace('/s', '')

/** Whether it is typed as a rate is, or left empty. */
export const isRate = (text: string) => text.trim() === '' || parseBitRate(text) !== undefined

/** What is to be changed; undefined if nothing is, or a limit cannot be read. */
export function nicEditOf(nic: VmNicView, draft: NicDraft): NicEdit | undefined {
  if (![draft.in, draft.out].every(limit => isRate(limit.rate) && isRate(limit.burst))) return undefined
  const limitIn = changed(nic.limit_in, draft.in)
  const limitOut = changed(nic.limit_out, draft.out)
  const before = [...nic.security_groups].sort().join()
  const edit: NicEdit = {
    ...(draft.network !== nic.network_id ? { network: draft.network } : {}),
    ...(draft.network !== nic.network_id && draft.address ? { address: draft.address } : {}),
    ...(draft.model !== nic.model ? { model: draft.model } : {}),
    ...(draft.link !== nic.link ? { link: draft.link } : {}),
    ...([...draft.groups].sort().join() !== before ? { security_groups: draft.groups } : {}),
    ...(limitIn ? { limit_in: limitIn } : {}),
    ...(limitOut ? { limit_out: limitOut } : {}),
  }
  return Object.keys(edit).length > 0 ? edit : undefined
}

function changed(before: NicLimit | null, draft: LimitDraft): NicLimitShape | undefined {
  const rate = parseBitRate(draft.rate) ?? 0
  const burst = rate === 0 ? 0 : (parseBitRate(draft.burst) ?? 0)
  if (rate === (before?.rate ?? 0) && burst === (before?.burst ?? 0)) return undefined
  return { rate, burst }
}

/** A limit for people: `50 Mbit/s (5 Mbit)`. */
export const limitWords = (limit: NicLimit) =>
  limit.burst ? `${bitRate(limit.rate)} (${bits(limit.burst)})` : bitRate(limit.rate)
