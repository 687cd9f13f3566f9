import {
  CircleCheck,
  CircleX,
  Globe,
  type LucideIcon,
  Monitor,
  Network,
  ShieldCheck,
  ShieldOff,
  ShieldX,
} from 'lucide-react'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import type { NetworkAnswer, NetworkDecision, NetworkQuestion, VmView } from '@/api/generated'
import { useCollection, useNames } from '@/api/use'
import { NetworkLink, VmLink } from '../networks/links'
import { SecurityGroupLink } from '../securityGroups/links'
import { traffic } from '../securityGroups/rules'
import { ActionMark } from '../securityGroups/SecurityGroupParts'
import { pathOf, type Station } from './path'

interface Props {
  question: NetworkQuestion
  answer: NetworkAnswer
}

/** The way of the packet, station by station: how far it comes, and which rule decides. */
export function PacketPath({ question, answer }: Props) {
  const { t } = useTranslation()
  const vms = useCollection('vm').rows
  const { receiver: wanted } = question
  const receiver = vms.find(
    vm =>
      vm.id === wanted ||
      vm.name === wanted ||
      vm.nics.some(nic => nic.network_id === answer.network_id && nic.address === wanted),
  )
  const Verdict = answer.passes ? CircleCheck : CircleX
  return (
    <>
      <p className={`packet-verdict tone-${answer.passes ? 'good' : 'bad'}`}>
        <Verdict size={22} aria-hidden />
        {t(answer.passes ? 'packet.passes' : 'packet.fails')}
      </p>
      <ol className="packet-path">
        {pathOf(answer, receiver !== undefined).map(station => (
          <Stop key={station.kind} station={station} outside={receiver === undefined}>
            <About station={station} question={question} answer={answer} receiver={receiver} />
          </Stop>
        ))}
      </ol>
      {answer.trace && (
        <details className="packet-trace">
          <summary>{t('packet.trace')}</summary>
          <pre>{answer.trace}</pre>
        </details>
      )}
    </>
  )
}

function iconOf({ kind, decision }: Station, outside: boolean): LucideIcon {
  if (kind === 'sender') return Monitor
  if (kind === 'receiver') return outside ? Globe : Monitor
  if (kind === 'network') return Network
  if (!decision) return ShieldOff
  return decision.action === 'allow' ? ShieldCheck : ShieldX
}

function Stop({ station, outside, children }: { station: Station; outside: boolean; children: ReactNode }) {
  const { t } = useTranslation()
  const Icon = iconOf(station, outside)
  return (
    <li className={`packet-${station.state}`}>
      <span className="packet-icon">
        <Icon size={18} aria-hidden />
      </span>
      <div>
        <h3>
          {t(`packet.at_${station.kind}`)}
          {station.state !== 'passed' && <span className="packet-state">{t(`packet.${station.state}`)}</span>}
        </h3>
        {children}
      </div>
    </li>
  )
}

interface AboutProps extends Props {
  station: Station
  receiver: VmView | undefined
}

function About({ station, question, answer, receiver }: AboutProps) {
  const { t } = useTranslation()
  const vms = useNames('vm')
  const networks = useNames('network')
  const { kind, decision, reason, state } = station
  const sender = vms.get(question.sender)
  const nic = sender?.nics.find(one => one.id === question.nic)
  return (
    <>
      {kind === 'sender' && (
        <div className="in-text">
          <VmLink id={question.sender} name={vms.name(question.sender)} />{' '}
          <span className="mono quiet">{nic?.address}</span>
        </div>
      )}
      {kind === 'network' && <NetworkLink id={answer.network_id} name={networks.name(answer.network_id)} />}
      {kind === 'receiver' && <Receiver name={question.receiver} vm={receiver} />}
      {(kind === 'out' || kind === 'in') &&
        (decision ? (
          <Decision decision={decision} />
        ) : (
          <span className="quiet">{t(state === 'unreached' ? 'packet.not_asked' : 'packet.unfiltered')}</span>
        ))}
      {reason && <div className="quiet">{reason}</div>}
    </>
  )
}

function Receiver({ name, vm }: { name: string; vm: VmView | undefined }) {
  if (!vm) return <span className="mono">{name}</span>
  return (
    <div className="in-text">
      <VmLink id={vm.id} name={vm.name} />{' '}
      <span className="mono quiet">{vm.nics.map(nic => nic.address).join(', ')}</span>
    </div>
  )
}

/** What a group says, by which rule, and the whole sentence. */
function Decision({ decision }: { decision: NetworkDecision }) {
  const { t } = useTranslation()
  const groups = useNames('security_group')
  const { security_group_id: id, rule_id, action, direction, reason } = decision
  const rule = groups.get(id)?.rules.find(one => one.id === rule_id)
  return (
    <>
      <div className="packet-decision">
        <ActionMark action={action} />
        <SecurityGroupLink id={id} name={groups.name(id)} />
        {rule && (
          <span>
            {t(direction === 'in' ? 'rule.title_in' : 'rule.title_out')} ·{' '}
            <span className="mono">{traffic(rule) || t('rule.any')}</span>{' '}
            {t(direction === 'in' ? 'packet.rule_from' : 'packet.rule_to', {
              other:
                rule.cidr || (rule.remote_group_id && groups.name(rule.remote_group_id)) || t('rule.other_anywhere'),
            })}
          </span>
        )}
      </div>
      <div className="quiet">{reason}</div>
    </>
  )
}
