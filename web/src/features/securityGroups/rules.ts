import type {
  Direction,
  Protocol,
  RuleAction,
  SecurityGroupView,
  SecurityRuleCreate,
  SecurityRuleView,
  VmNicView,
  VmView,
} from '@/api/generated'

/** What the dialog of a rule has been told so far. */
export interface RuleDraft {
  direction: Direction
  action: RuleAction
  protocol: Protocol
  first: number | null
  last: number | null
  icmpType: number | null
  /** Who is at the other end. */
  other: 'anywhere' | 'cidr' | 'group'
  cidr: string
  group: string
  priority: number
  log: boolean
  description: string
}

export const USUAL_PRIORITY = 100

export const FIRST_RULE: RuleDraft = {
  direction: 'in',
  action: 'allow',
  protocol: 'tcp',
  first: null,
  last: null,
  icmpType: null,
  other: 'anywhere',
  cidr: '',
  group: '',
  priority: USUAL_PRIORITY,
  log: false,
  description: '',
}

export const hasPorts = (protocol: Protocol) => protocol === 'tcp' || protocol === 'udp'

export function draftOf(rule: SecurityRuleView): RuleDraft {
  const { direction, action, protocol, cidr, priority, log, description } = rule
  return {
    direction,
    action,
    protocol,
    first: rule.first_port,
    last: rule.last_port === rule.first_port ? null : rule.last_port,
    icmpType: rule.icmp_type,
    other: cidr ? 'cidr' : rule.remote_group_id ? 'group' : 'anywhere',
    cidr,
    group: rule.remote_group_id,
    priority,
    log,
    description,
  }
}

/** The rule that a draft comes to; undefined as long as the other end is not said. What was typed for another protocol
 * or another kind of other end is left out. */
export function ruleOf(draft: RuleDraft): SecurityRuleCreate | undefined {
  const { direction, action, protocol, first, last, icmpType, other, cidr, group, priority, log, description } = draft
  if ((other === 'cidr' && !cidr) || (other === 'group' && !group)) return undefined
  return {
    direction,
    action,
    protocol,
    priority,
    log,
    description,
    ...(hasPorts(protocol) && first !== null ? { first_port: first } : {}),
    ...(hasPorts(protocol) && last !== null ? { last_port: last } : {}),
    ...(protocol === 'icmp' && icmpType !== null ? { icmp_type: icmpType } : {}),
    ...(other === 'cidr' ? { cidr } : {}),
    ...(other === 'group' ? { group } : {}),
  }
}

const STRONGEST: RuleAction[] = ['drop', 'reject', 'allow']

/** A group's rules for one direction, the one that decides first at the top. */
export function inOrder(rules: readonly SecurityRuleView[], direction: Direction): SecurityRuleView[] {
  const rank = (rule: SecurityRuleView) => STRONGEST.indexOf(rule.action)
  return rules
    .filter(rule => rule.direction === direction)
    .sort((one, other) => other.priority - one.priority || rank(one) - rank(other))
}

/** What a rule is about: `TCP 80–90`, `ICMP 8`; empty for everything. */
export function traffic(rule: SecurityRuleView): string {
  if (rule.protocol === 'any') return ''
  const ports = [rule.first_port, rule.last_port].filter(port => port !== null)
  const number = rule.icmp_type ?? [...new Set(ports)].join('–')
  return `${rule.protocol.toUpperCase()} ${number}`.trim()
}

export interface Member {
  vm: VmView
  nic: VmNicView
}

/** The NICs that are in a group. */
export const membersOf = (vms: readonly VmView[], groupId: string): Member[] =>
  vms.flatMap(vm => vm.nics.filter(nic => nic.security_groups.includes(groupId)).map(nic => ({ vm, nic })))

/** How many NICs are in each group. */
export function memberCounts(vms: readonly VmView[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const vm of vms)
    for (const nic of vm.nics) for (const id of nic.security_groups) counts.set(id, (counts.get(id) ?? 0) + 1)
  return counts
}

/** Other groups with rules about the members of this one. */
export const namedBy = (groups: readonly SecurityGroupView[], groupId: string) =>
  groups.filter(group => group.id !== groupId && group.rules.some(rule => rule.remote_group_id === groupId))
