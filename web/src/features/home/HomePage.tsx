import { Link, useNavigate } from '@tanstack/react-router'
import { Input } from 'antd'
import { Search } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useCollection } from '@/api/use'
import { useSession } from '@/app/session'
import { bytes } from '@/ui/format'
import { Card, Empty, Page } from '@/ui/Page'
import { AlarmList } from '../alarms/AlarmList'
import { HostMeters } from '../hosts/HostMeters'
import { TaskItem } from '../tasks/TaskItem'
import { Duties } from './Duties'

/** Search first; then how everything is; then what went wrong lately. */
export function HomePage() {
  const { t } = useTranslation()
  const { me, may } = useSession()
  const navigate = useNavigate()
  const [text, setText] = useState('')
  return (
    <Page title={t('home.welcome', { name: me.display_name || me.name })} name={t('home')}>
      {may('list_vms') ? (
        <>
          <form
            className="home-search"
            role="search"
            onSubmit={event => {
              event.preventDefault()
              void navigate({ to: '/vms', search: { q: text } })
            }}
          >
            <Input
              size="large"
              prefix={<Search size={18} aria-hidden />}
              value={text}
              onChange={event => setText(event.target.value)}
              placeholder={t('home.search')}
              aria-label={t('home.search')}
            />
          </form>
          <Numbers />
          <div className="grid grid-home">
            {may('list_hosts') && (
              <Card title={t('home.promised')}>
                <HostMeters />
              </Card>
            )}
            <Card title={t('alarms')}>
              <AlarmList />
            </Card>
            <Failures />
          </div>
        </>
      ) : (
        <Duties />
      )}
    </Page>
  )
}

function Numbers() {
  const { t } = useTranslation()
  const vms = useCollection('vm').rows
  const hosts = useCollection('host').rows
  const tasks = useCollection('task').rows
  const storages = useCollection('storage').rows
  const running = vms.filter(vm => vm.state === 'running').length
  const trouble = vms.filter(vm => ['crashed', 'unknown', 'failed'].includes(vm.state)).length
  const up = hosts.filter(host => host.state === 'up').length
  const open = tasks.filter(task => task.finished_at === null).length
  const free = storages.reduce((sum, storage) => sum + (storage.usage?.available ?? 0), 0)
  return (
    <div className="numbers">
      <Number_ to="/vms" q="power:running" value={`${running}`} of={`/ ${vms.length}`} text={t('home.running')} />
      <Number_
        to="/vms"
        q="power:crashed,unknown,failed"
        value={`${trouble}`}
        text={t('home.trouble')}
        bad={trouble > 0}
      />
      <Number_ to="/hosts" value={`${up}`} of={`/ ${hosts.length}`} text={t('home.hosts_up')} bad={up < hosts.length} />
      <Number_ to="/tasks" value={`${open}`} text={t('home.open_tasks')} />
      <Number_ to="/volumes" value={bytes(free)} text={t('home.free')} />
    </div>
  )
}

function Number_(props: { to: string; q?: string; value: string; of?: string; text: string; bad?: boolean }) {
  return (
    <Link to={props.to} search={props.q ? { q: props.q } : {}} className={props.bad ? 'count count-bad' : 'count'}>
      <span className="count-value">
        {props.value} {props.of && <small>{props.of}</small>}
      </span>
      <span className="count-text">{props.text}</span>
    </Link>
  )
}

function Failures() {
  const { t } = useTranslation()
  const { rows } = useCollection('task')
  const failed = rows.filter(task => task.state === 'failed').slice(0, 6)
  return (
    <Card
      title={t('home.failures')}
      className="wide"
      extra={
        <Link to="/tasks" search={{ tab: 'failed' }}>
          {t('home.all')}
        </Link>
      }
    >
      {failed.length === 0 && <Empty>{t('home.no_failures')}</Empty>}
      <ul className="tasks">
        {failed.map(task => (
          <TaskItem key={task.id} task={task} />
        ))}
      </ul>
    </Card>
  )
}
