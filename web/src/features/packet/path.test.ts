import { describe, expect, it } from 'vitest'
import type { NetworkAnswer, NetworkDecision } from '@/api/generated'
import { pathOf, questionOf } from './path'

const decision = (direction: 'in' | 'out', action: NetworkDecision['action']): NetworkDecision => ({
  direction,
  action,
  security_group_id: 'g',
  rule_id: 'r',
  reason: `${action} ${direction}`,
})
const answer = (outcome: NetworkAnswer['outcome'], ...decisions: NetworkDecision[]): NetworkAnswer => ({
  passes: outcome === 'arrives' || outcome === 'leaves',
  outcome,
  network_id: 'n',
  reasons: [...decisions.map(one => one.reason), 'the end'],
  decisions,
  trace: '',
})
const states = (told: NetworkAnswer, toVm = true) => pathOf(told, toVm).map(one => `${one.kind} ${one.state}`)

describe('the way of a packet', () => {
  it('that arrives is passed to its end, which says so', () => {
    const path = pathOf(answer('arrives', decision('in', 'allow')), true)
    expect(path.map(({ state }) => state)).toEqual(Array(5).fill('passed'))
    expect(path.at(-1)?.reason).toBe('the end')
    expect(path[3]?.decision?.rule_id).toBe('r')
  })

  it('stops at the group that says no, and what is beyond is not reached', () => {
    expect(states(answer('dropped', decision('out', 'allow'), decision('in', 'drop')))).toEqual([
      'sender passed',
      'out passed',
      'network passed',
      'in stopped',
      'receiver unreached',
    ])
    expect(states(answer('rejected', decision('out', 'reject')))[1]).toBe('out stopped')
  })

  it('stops at the network, with the reason, if no group says no', () => {
    const path = pathOf({ ...answer('leaves'), passes: false }, true)
    expect(path.map(one => one.state)).toEqual(['passed', 'passed', 'stopped', 'unreached', 'unreached'])
    expect(path[2]?.reason).toBe('the end')
  })

  it('to an address outside has nobody who guards its end', () => {
    expect(states(answer('leaves'), false)).toEqual([
      'sender passed',
      'out passed',
      'network passed',
      'receiver passed',
    ])
  })
})

describe('the address bar', () => {
  it('asks when all is said', () => {
    const view = { from: 'v', nic: 'n', to: 'db', protocol: 'tcp', port: '5432' }
    expect(questionOf(view)).toEqual({ sender: 'v', nic: 'n', receiver: 'db', protocol: 'tcp', port: 5432 })
    expect(questionOf({ ...view, protocol: 'icmp' })).toEqual({
      sender: 'v',
      nic: 'n',
      receiver: 'db',
      protocol: 'icmp',
    })
  })

  it('asks nothing while something is missing or means nothing', () => {
    expect(questionOf({ from: 'v', to: 'db' })).toBeUndefined()
    expect(questionOf({ from: 'v', port: '80' })).toBeUndefined()
    expect(questionOf({ from: 'v', to: 'db', protocol: 'sctp', port: '80' })).toBeUndefined()
  })
})
