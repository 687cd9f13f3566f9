import { describe, expect, it } from 'vitest'
import type { SecurityGroupView, SecurityRuleView, VmView } from '@/api/generated'
import { draftOf, FIRST_RULE, inOrder, memberCounts, membersOf, namedBy, ruleOf, traffic } from './rules'

const rule = (changes: Partial<SecurityRuleView>): SecurityRuleView => ({
  id: 'r1',
  direction: 'in',
  action: 'allow',
  protocol: 'tcp',
  first_port: 80,
  last_port: 80,
  icmp_type: null,
  cidr: '',
  remote_group_id: '',
  priority: 100,
  log: false,
  description: '',
  ...changes,
})

const vm = (id: string, ...nics: string[][]) =>
  ({ id, nics: nics.map((groups, at) => ({ id: `${id}-${at}`, security_groups: groups })) }) as unknown as VmView

describe('the draft of a rule', () => {
  it('is sent without what belongs to another protocol', () => {
    const draft = { ...FIRST_RULE, protocol: 'icmp' as const, first: 80, last: 90, icmpType: 8 }
    expect(ruleOf(draft)).toMatchObject({ protocol: 'icmp', icmp_type: 8 })
    expect(ruleOf(draft)).not.toHaveProperty('first_port')
    expect(ruleOf({ ...draft, protocol: 'any' })).not.toHaveProperty('icmp_type')
  })

  it('needs the other end that it says it has', () => {
    expect(ruleOf({ ...FIRST_RULE, other: 'cidr' })).toBeUndefined()
    expect(ruleOf({ ...FIRST_RULE, other: 'group' })).toBeUndefined()
    expect(ruleOf({ ...FIRST_RULE, other: 'group', group: 'g1', cidr: '10.0.0.0/8' })).not.toHaveProperty('cidr')
  })

  it('of a rule that there is comes to the same rule', () => {
    expect(ruleOf(draftOf(rule({ last_port: 90, cidr: '10.0.0.0/8', log: true })))).toEqual({
      direction: 'in',
      action: 'allow',
      protocol: 'tcp',
      first_port: 80,
      last_port: 90,
      cidr: '10.0.0.0/8',
      priority: 100,
      log: true,
      description: '',
    })
  })
})

it('rules stand in the order in which they decide', () => {
  const rules = [
    rule({ id: 'allow' }),
    rule({ id: 'out', direction: 'out', priority: 500 }),
    rule({ id: 'reject', action: 'reject' }),
    rule({ id: 'first', priority: 200 }),
    rule({ id: 'drop', action: 'drop' }),
  ]
  expect(inOrder(rules, 'in').map(({ id }) => id)).toEqual(['first', 'drop', 'reject', 'allow'])
})

it('says what a rule is about', () => {
  expect(traffic(rule({}))).toBe('TCP 80')
  expect(traffic(rule({ protocol: 'udp', last_port: 90 }))).toBe('UDP 80–90')
  expect(traffic(rule({ protocol: 'icmp', first_port: null, last_port: null, icmp_type: 0 }))).toBe('ICMP 0')
  expect(traffic(rule({ first_port: null, last_port: null }))).toBe('TCP')
  expect(traffic(rule({ protocol: 'any' }))).toBe('')
})

it('finds who uses a group', () => {
  const vms = [vm('a', ['g1'], []), vm('b', ['g2', 'g1'], ['g1'])]
  expect(membersOf(vms, 'g1').map(({ nic }) => nic.id)).toEqual(['a-0', 'b-0', 'b-1'])
  expect(memberCounts(vms)).toEqual(
    new Map([
      ['g1', 3],
      ['g2', 1],
    ]),
  )
  const groups = ['g1', 'g2'].map(id => ({ id, rules: [rule({ remote_group_id: 'g1' })] }) as SecurityGroupView)
  expect(namedBy(groups, 'g1').map(({ id }) => id)).toEqual(['g2'])
})
