import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useCollection } from '@/api/use'
import { Ago } from '@/ui/Ago'
import { bytes } from '@/ui/format'
import { Empty } from '@/ui/Page'
import { toneOf } from '@/ui/StateMark'
import { AlarmList } from '../alarms/AlarmList'
import { HostCells, VmCells } from '../health/HealthPage'
import { HostMeters } from '../hosts/HostMeters'
import type { Kind } from './layout'

const FAILURES = 6

export function Content({ kind }: { kind: Kind }) {
  switch (kind) {
    case 'clock':
      return <Clock />
    case 'alarms':
      return <AlarmList />
    case 'load':
      return <HostMeters />
    case 'failures':
      return <Failures />
    case 'vm_matrix':
      return <VmCells />
    case 'host_matrix':
      return <HostCells />
    default:
      return <Figure kind={kind} />
  }
}

function Figure({ kind }: { kind: Kind }) {
  const [value, of, bad] = useFigure(kind)
  return (
    <p className={bad ? 'wall-figure tone-bad' : 'wall-figure'}>
      {value} {of !== '' && <small>/ {of}</small>}
    </p>
  )
}

/** A number, of how many, and whether somebody should look. */
function useFigure(kind: Kind): [string, string, boolean] {
  const vms = useCollection('vm').rows
  const hosts = useCollection('host').rows
  const tasks = useCollection('task').rows
  const storages = useCollection('storage').rows
  const up = hosts.filter(host => host.state === 'up').length
  const trouble = vms.filter(vm => toneOf(vm.state) === 'bad' || vm.state === 'unknown').length
  switch (kind) {
    case 'running':
      return [String(vms.filter(vm => vm.state === 'running').length), String(vms.length), false]
    case 'trouble':
      return [String(trouble), '', trouble > 0]
    case 'hosts_up':
      return [String(up), String(hosts.length), up < hosts.length]
    case 'open_tasks':
      return [String(tasks.filter(task => task.finished_at === null).length), '', false]
    default: {
      const sum = (part: 'available' | 'capacity') =>
        storages.reduce((all, storage) => all + (storage.usage?.[part] ?? 0), 0)
      return [bytes(sum('available')), bytes(sum('capacity')), sum('available') < sum('capacity') / 10]
    }
  }
}

function Failures() {
  const { t } = useTranslation()
  const failed = useCollection('task').rows.filter(task => task.state === 'failed')
  if (failed.length === 0) return <Empty>{t('home.no_failures')}</Empty>
  return (
    <ul className="wall-list">
      {failed.slice(0, FAILURES).map(task => (
        <li key={task.id}>
          <strong>
            {task.title} {task.object_name}
          </strong>{' '}
          <Ago at={task.finished_at} />
          <div className="tone-bad">{(task.error as { message?: string } | null)?.message}</div>
        </li>
      ))}
    </ul>
  )
}

const TICK = 1000

function Clock() {
  const { i18n } = useTranslation()
  const [now, setNow] = useState(() => new Date())
  useEffect(() => {
    const timer = setInterval(() => setNow(new Date()), TICK)
    return () => clearInterval(timer)
  }, [])
  const format = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(i18n.language, options).format(now)
  return (
    <p className="wall-figure">
      {format({ timeStyle: 'short' })} <small>{format({ dateStyle: 'full' })}</small>
    </p>
  )
}
