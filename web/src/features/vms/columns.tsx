import { Link } from '@tanstack/react-router'
import { Progress, Tag } from 'antd'
import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import type { TaskView, VmView } from '@/api/generated'
import { useCollection, useNames } from '@/api/use'
import { Ago } from '@/ui/Ago'
import { bytes } from '@/ui/format'
import { StateMark } from '@/ui/StateMark'
import type { Column } from '@/ui/VirtualTable'
import { addressesOf } from './fields'

/** The newest unfinished task of each object. */
export function useUnderWay(): ReadonlyMap<string, TaskView> {
  const { rows } = useCollection('task')
  return useMemo(() => {
    const open = rows.filter(task => task.finished_at === null)
    return new Map(open.reverse().map(task => [task.object_id, task]))
  }, [rows])
}

export function useVmColumns(): Column<VmView>[] {
  const { t } = useTranslation()
  const hosts = useNames('host')
  const networks = useNames('network')
  const projects = useNames('project')
  return useMemo(
    () => [
      {
        key: 'name',
        title: t('name'),
        width: 180,
        grow: 2,
        value: vm => vm.name,
        render: vm => (
          <Link to="/vms/$id" params={{ id: vm.id }} className="name">
            {vm.name}
          </Link>
        ),
      },
      { key: 'state', title: t('vm.power'), width: 170, value: vm => vm.state, render: vm => <StateCell vm={vm} /> },
      {
        key: 'host',
        title: t('host'),
        width: 120,
        grow: 1,
        value: vm => hosts.name(vm.host_id),
        render: vm => hosts.name(vm.host_id),
      },
      {
        key: 'vcpus',
        title: t('vm.vcpus'),
        width: 80,
        value: vm => vm.vcpus,
        render: vm => <span className="number">{vm.vcpus}</span>,
      },
      {
        key: 'memory',
        title: t('memory'),
        width: 100,
        value: vm => vm.memory,
        render: vm => <span className="number">{bytes(vm.memory)}</span>,
      },
      {
        key: 'address',
        title: t('vm.address'),
        width: 150,
        grow: 1,
        value: vm => addressesOf(vm)[0],
        render: vm => <span className="mono">{addressesOf(vm).join(', ')}</span>,
      },
      {
        key: 'tags',
        title: t('tags'),
        width: 150,
        grow: 1,
        value: vm => vm.tags.join(' '),
        render: vm => vm.tags.map(tag => <Tag key={tag}>{tag}</Tag>),
      },
      {
        key: 'network',
        title: t('network'),
        width: 110,
        grow: 1,
        value: vm => networks.name(vm.nics[0]?.network_id),
        render: vm => vm.nics.map(nic => networks.name(nic.network_id)).join(', '),
      },
      {
        key: 'os',
        title: t('vm.os'),
        width: 160,
        grow: 1,
        optional: true,
        value: vm => vm.guest?.os_name,
        render: vm => vm.guest?.os_name,
      },
      {
        key: 'project',
        title: t('project'),
        width: 120,
        optional: true,
        value: vm => projects.name(vm.project_id),
        render: vm => projects.name(vm.project_id),
      },
      {
        key: 'created',
        title: t('created'),
        width: 150,
        optional: true,
        value: vm => vm.created_at,
        render: vm => <Ago at={vm.created_at} />,
      },
      { key: 'id', title: 'ID', width: 310, optional: true, render: vm => <span className="mono">{vm.id}</span> },
    ],
    [t, hosts, networks, projects],
  )
}

/** Its state, and beside it what is under way. */
function StateCell({ vm }: { vm: VmView }) {
  const task = useUnderWay().get(vm.id)
  return (
    <>
      <StateMark state={vm.state} />
      {task && (
        <Progress
          type="circle"
          size={16}
          percent={Math.round(task.progress * 100)}
          strokeWidth={16}
          aria-label={task.title}
        />
      )}
    </>
  )
}
