import { describe, expect, it } from 'vitest'
import type { VmNicView } from '@/api/generated'
import { FIRST_NIC, limitWords, nicCreateOf, nicDraftOf, nicEditOf } from './nics'

const NIC: VmNicView = {
  id: 'n1',
  network_id: 'lan',
  mac: '52:54:00:00:00:01',
  address: '10.20.0.2',
  model: 'virtio',
  security_groups: ['web', 'ssh'],
  limit_in: null,
  limit_out: { rate: 50_000, burst: 5000 },
  link: 'up',
}
const edit = (changes: Partial<ReturnType<typeof nicDraftOf>>) => nicEditOf(NIC, { ...nicDraftOf(NIC), ...changes })

describe('a NIC that is edited', () => {
  it('sends only what was changed', () => {
    expect(edit({})).toBeUndefined()
    expect(edit({ groups: ['ssh', 'web'] })).toBeUndefined()
    expect(edit({ link: 'down' })).toEqual({ link: 'down' })
    expect(edit({ groups: [] })).toEqual({ security_groups: [] })
  })

  it('has an address only with another network', () => {
    expect(edit({ address: '10.30.0.9' })).toBeUndefined()
    expect(edit({ network: 'dmz', address: '10.30.0.9' })).toEqual({ network: 'dmz', address: '10.30.0.9' })
    expect(edit({ network: 'dmz' })).toEqual({ network: 'dmz' })
  })

  it('loses a limit by an empty rate, and its burst with it', () => {
    expect(edit({ out: { rate: '', burst: '5M' } })).toEqual({ limit_out: { rate: 0, burst: 0 } })
    expect(edit({ in: { rate: '2.5G', burst: '' } })).toEqual({ limit_in: { rate: 2_500_000, burst: 0 } })
    expect(edit({ out: { rate: '50M', burst: '5 Mbit' } })).toBeUndefined()
  })

  it('is not sent with a rate that cannot be read', () => {
    expect(edit({ link: 'down', in: { rate: 'fast', burst: '' } })).toBeUndefined()
  })
})

it('a new NIC says only what it was told', () => {
  expect(nicCreateOf({ ...FIRST_NIC, network: 'lan' })).toEqual({ network: 'lan', model: 'virtio' })
  expect(nicCreateOf({ network: 'lan', address: '10.20.0.9', model: 'e1000e', groups: ['web'] })).toEqual({
    network: 'lan',
    address: '10.20.0.9',
    model: 'e1000e',
    security_groups: ['web'],
  })
})

it('limits are words', () => {
  expect(limitWords({ rate: 50_000, burst: 5000 })).toBe('50 Mbit/s (5 Mbit)')
  expect(limitWords({ rate: 500 })).toBe('500 kbit/s')
})
