import { Tag } from 'antd'
import { Ban, Check, type LucideIcon, OctagonX, Pencil, Plus, ScrollText, Trash2 } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import type { Direction, RuleAction, SecurityGroupView, SecurityRuleView } from '@/api/generated'
import { useCollection, useNames } from '@/api/use'
import { ActionButton } from '@/ui/ActionButton'
import { Card, Empty } from '@/ui/Page'
import { NetworkLink, VmLink } from '../networks/links'
import { SecurityGroupLink } from './links'
import type { RuleAsked } from './RuleDialogs'
import { inOrder, membersOf, namedBy, traffic } from './rules'
import './securityGroups.css'

const MARKS: Record<RuleAction, [string, LucideIcon]> = {
  allow: ['good', Check],
  drop: ['bad', Ban],
  reject: ['bad', OctagonX],
}

/** What a rule does, as glyph and word. */
export function ActionMark({ action }: { action: RuleAction }) {
  const { t } = useTranslation()
  const [tone, Icon] = MARKS[action]
  return (
    <span className={`state state-${tone}`}>
      <Icon size={14} aria-hidden />
      <span>{t(`rule.${action}`)}</span>
    </span>
  )
}

interface RulesProps {
  group: SecurityGroupView
  direction: Direction
  ask: (asked: RuleAsked) => void
}

/** The rules of one direction in the order in which they decide; at the end, what holds where none does. */
export function RulesCard({ group, direction, ask }: RulesProps) {
  const { t } = useTranslation()
  const verdict = group.allowed_actions.edit
  const way = t(direction === 'in' ? 'rule.from' : 'rule.to')
  return (
    <Card
      className="wide"
      title={t(`rule.title_${direction}`)}
      extra={
        <ActionButton
          size="small"
          icon={<Plus size={14} />}
          verdict={verdict}
          onClick={() => ask({ action: 'add', direction })}
        >
          {t(`rule.new_${direction}`)}
        </ActionButton>
      }
    >
      <table className="rules" aria-label={t(`rule.title_${direction}`)}>
        <thead>
          <tr>
            <th scope="col">{t('rule.priority')}</th>
            <th scope="col">{t('rule.action')}</th>
            <th scope="col">{t('rule.what')}</th>
            <th scope="col">{way}</th>
            <th scope="col">{t('description')}</th>
            <th scope="col">
              <span className="unseen">{t('actions')}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {inOrder(group.rules, direction).map(rule => (
            <tr key={rule.id}>
              <RuleCells rule={rule} />
              <td className="rules-do">
                <ActionButton
                  size="small"
                  type="text"
                  icon={<Pencil size={14} />}
                  verdict={verdict}
                  aria-label={t('vm.do.edit')}
                  title={t('vm.do.edit')}
                  onClick={() => ask({ action: 'edit', rule })}
                />
                <ActionButton
                  size="small"
                  type="text"
                  icon={<Trash2 size={14} />}
                  verdict={verdict}
                  aria-label={t('remove')}
                  title={t('remove')}
                  onClick={() => ask({ action: 'remove', rule })}
                />
              </td>
            </tr>
          ))}
          {direction === 'in' && <Usual action="allow" what={t('rule.any')} other={t('rule.members')} />}
          <Usual action={direction === 'in' ? 'drop' : 'allow'} what={t('rule.any')} other={t('rule.other_anywhere')} />
        </tbody>
      </table>
    </Card>
  )
}

function RuleCells({ rule }: { rule: SecurityRuleView }) {
  const { t } = useTranslation()
  const groups = useNames('security_group')
  return (
    <>
      <td className="number">{rule.priority}</td>
      <td>
        <ActionMark action={rule.action} />
      </td>
      <td className="mono">{traffic(rule) || t('rule.any')}</td>
      <td>
        {rule.cidr && <span className="mono">{rule.cidr}</span>}
        {rule.remote_group_id && (
          <SecurityGroupLink id={rule.remote_group_id} name={groups.name(rule.remote_group_id)} />
        )}
        {!rule.cidr && !rule.remote_group_id && t('rule.other_anywhere')}
      </td>
      <td className="quiet">
        {rule.log && (
          <Tag icon={<ScrollText size={12} aria-hidden />} className="rules-log">
            {t('rule.logged')}
          </Tag>
        )}
        {rule.description}
      </td>
    </>
  )
}

/** What holds without a rule. */
function Usual({ action, what, other }: { action: RuleAction; what: string; other: string }) {
  const { t } = useTranslation()
  return (
    <tr className="rules-usual">
      <td>–</td>
      <td>
        <ActionMark action={action} />
      </td>
      <td className="mono">{what}</td>
      <td>{other}</td>
      <td>{t('rule.usual')}</td>
      <td />
    </tr>
  )
}

const SHOWN = 50

/** The NICs that are held to it. */
export function Members({ group }: { group: SecurityGroupView }) {
  const { t } = useTranslation()
  const networks = useNames('network')
  const members = membersOf(useCollection('vm').rows, group.id)
  return (
    <Card title={`${t('security_group.members')} (${members.length})`}>
      {members.length === 0 && <Empty>{t('security_group.no_members')}</Empty>}
      <ul className="devices">
        {members.slice(0, SHOWN).map(({ vm, nic }) => (
          <li key={nic.id}>
            <VmLink id={vm.id} name={vm.name} />
            <NetworkLink id={nic.network_id} name={networks.name(nic.network_id)} />
            <span className="mono quiet">{nic.address}</span>
          </li>
        ))}
      </ul>
      {members.length > SHOWN && <p className="quiet">+{members.length - SHOWN}</p>}
    </Card>
  )
}

/** Groups whose rules are about its members. */
export function NamedBy({ group }: { group: SecurityGroupView }) {
  const { t } = useTranslation()
  const others = namedBy(useCollection('security_group').rows, group.id)
  return (
    <Card title={t('security_group.named_by')}>
      {others.length === 0 && <Empty>{t('security_group.not_named')}</Empty>}
      <ul className="devices">
        {others.map(other => (
          <li key={other.id}>
            <SecurityGroupLink id={other.id} name={other.name} />
            <span className="quiet">{other.description}</span>
          </li>
        ))}
      </ul>
    </Card>
  )
}
