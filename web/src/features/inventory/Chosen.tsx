import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { useNames } from '@/api/use'
import { bytes } from '@/ui/format'
import { Card, Facts } from '@/ui/Page'
import { ProblemAlert } from '@/ui/ProblemAlert'
import { StateMark } from '@/ui/StateMark'
import { HostActions } from '../hosts/HostActions'
import { useChange } from '../tasks/change'
import { addressesOf } from '../vms/fields'
import { VmActions } from '../vms/VmActions'
import { pathOf } from './places'
import { nameOf } from './TreeView'
import type { Line, Tree } from './tree'

/** What is chosen in the tree: the most important of it, what can be done, and the way to its page. */
export function Chosen({ line, tree }: { line: Line; tree: Tree }) {
  const { t } = useTranslation()
  const change = useChange()
  return (
    <section className="chosen-thing" aria-label={t('inventory.chosen')}>
      <Card
        title={
          <span className="title-line">
            {nameOf(line, t)} {line.about && 'state' in line.about && <StateMark state={line.about.state} />}
          </span>
        }
        extra={<Link {...pathOf(line)}>{t('open')}</Link>}
      >
        <ProblemAlert problem={change.problem} onClose={change.clear} />
        <div className="page-actions">
          {line.kind === 'vm' && <VmActions key={line.key} vm={line.about} run={change.run} busy={change.busy} />}
          {line.kind === 'host' && <HostActions key={line.key} host={line.about} />}
        </div>
        <Facts rows={useFacts(line, tree)} />
      </Card>
    </section>
  )
}

function useFacts(line: Line, tree: Tree): [string, string | number][] {
  const { t } = useTranslation()
  const hosts = useNames('host')
  const projects = useNames('project')
  switch (line.kind) {
    case 'vm':
      return [
        [t('vm.vcpus'), line.about.vcpus],
        [t('memory'), bytes(line.about.memory)],
        [t('vm.address'), addressesOf(line.about).join(', ')],
        [t('host'), hosts.name(line.about.host_id)],
        [t('project'), projects.name(line.about.project_id)],
        [t('tags'), line.about.tags.join(', ')],
        [t('description'), line.about.description],
      ]
    case 'host':
      return [
        [t('vms'), line.size],
        [t('host.threads'), line.about.facts?.cpu.threads ?? ''],
        [t('memory'), line.about.facts ? bytes(line.about.facts.memory) : ''],
        [t('address'), line.about.address],
        [t('tags'), line.about.tags.join(', ')],
      ]
    case 'pool': {
      const below = tree.children(line.key)
      return [
        [t('hosts'), line.size],
        [t('vms'), below.reduce((sum, host) => sum + host.size, 0)],
        [t('pool.vcpu_ratio'), `${line.about.vcpu_ratio} : 1`],
        [t('pool.memory_ratio'), `${line.about.memory_ratio} : 1`],
      ]
    }
    case 'network':
      return [
        [t('network.kind'), t(`network.${line.about.kind}`)],
        [t('network.cidr'), line.about.cidr],
        [t('network.gateway'), line.about.gateway],
      ]
    case 'storage': {
      const usage = line.about.usage
      const place = line.about.host_id
      return [
        [t('host'), place ? hosts.name(place) : t('storage.shared')],
        [t('size'), usage ? t('storage.free', { free: bytes(usage.available), all: bytes(usage.capacity) }) : ''],
      ]
    }
    case 'image':
      return [[t('size'), bytes(line.about.size)]]
    default:
      return [[t('inventory.number'), line.size]]
  }
}
