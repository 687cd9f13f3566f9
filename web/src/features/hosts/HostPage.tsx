import { Link, useParams } from '@tanstack/react-router'
import { Alert, Button, Spin, Tabs } from 'antd'
import { Pencil } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { ask } from '@/api/ask'
import { getHost, type HostView } from '@/api/generated'
import { useCollection, useNames, useOne } from '@/api/use'
import { useSession } from '@/app/session'
import { Ago } from '@/ui/Ago'
import { bytes } from '@/ui/format'
import { Card, Empty, Facts, Page } from '@/ui/Page'
import { ProblemAlert } from '@/ui/ProblemAlert'
import { StateMark } from '@/ui/StateMark'
import { useView } from '@/ui/view'
import { ObjectTasks } from '../tasks/ObjectTasks'
import { HostActions } from './HostActions'
import { HostEditDialog } from './HostEditDialog'
import { Unmanaged } from './Unmanaged'

export function HostPage() {
  const { id = '' } = useParams({ strict: false })
  const { one: host, problem, retry } = useOne('host', id, () => ask(getHost({ path: { ref: id } })))
  if (host) return <Shown host={host} />
  return <Page title="Host">{problem ? <ProblemAlert problem={problem} retry={retry} /> : <Spin />}</Page>
}

function Shown({ host }: { host: HostView }) {
  const { t } = useTranslation()
  const { may } = useSession()
  const view = useView()
  const [editing, setEditing] = useState(false)
  const vms = useCollection('vm').rows.filter(vm => vm.host_id === host.id)
  const tabs = [
    { key: 'summary', label: t('vm.summary'), children: <Summary host={host} /> },
    {
      key: 'vms',
      label: `${t('vms')} (${vms.length})`,
      children: (
        <Card>
          {vms.length === 0 && <Empty>{t('vm.none')}</Empty>}
          <ul className="devices">
            {vms.map(vm => (
              <li key={vm.id}>
                <Link to="/vms/$id" params={{ id: vm.id }}>
                  {vm.name}
                </Link>
                <StateMark state={vm.state} />
                <span className="quiet">
                  {vm.vcpus} vCPU · {bytes(vm.memory)}
                </span>
              </li>
            ))}
          </ul>
        </Card>
      ),
    },
    ...(may('list_unmanaged')
      ? [{ key: 'unmanaged', label: t('host.unmanaged'), children: <Unmanaged host={host} /> }]
      : []),
    { key: 'tasks', label: t('tasks'), children: <ObjectTasks objectId={host.id} /> },
  ]
  return (
    <Page
      name={host.name}
      title={
        <span className="title-line">
          {host.name} <StateMark state={host.state} />
        </span>
      }
      actions={
        <>
          {may('edit_host') && (
            <Button icon={<Pencil size={15} />} onClick={() => setEditing(true)}>
              {t('vm.do.edit')}
            </Button>
          )}
          <HostActions host={host} />
        </>
      }
    >
      {host.facts?.warnings?.map(warning => (
        <Alert key={warning} type="warning" showIcon title={warning} className="note" />
      ))}
      {host.cpu_refusal && <Alert type="warning" showIcon title={host.cpu_refusal} className="note" />}
      <Tabs activeKey={view.tab ?? 'summary'} onChange={tab => view.set({ tab })} items={tabs} />
      {editing && <HostEditDialog host={host} close={() => setEditing(false)} />}
    </Page>
  )
}

function Summary({ host }: { host: HostView }) {
  const { t } = useTranslation()
  const pools = useNames('pool')
  const facts = host.facts
  return (
    <div className="grid">
      <Card title={t('host.machine')}>
        <Facts
          rows={[
            [t('host.cpu'), facts?.cpu.model],
            [t('host.threads'), facts && `${facts.cpu.threads} (${facts.cpu.sockets} × ${facts.cpu.cores})`],
            [t('memory'), facts && bytes(facts.memory)],
            [t('host.acceleration'), facts?.acceleration.toUpperCase()],
            [t('host.acceleration_why'), facts?.acceleration_reason],
            ['NUMA', facts?.numa.length || ''],
            ['IOMMU', facts && (facts.iommu ? t('yes') : t('no'))],
          ]}
        />
      </Card>
      <Card title={t('host.in_pool')}>
        <Facts
          rows={[
            [t('pool'), pools.name(host.pool_id)],
            [t('tags'), host.tags.join(', ')],
            [
              t('address'),
              <span key="a" className="mono">
                {host.address}
              </span>,
            ],
            [t('host.reserved'), `${host.reserved_vcpus} vCPU, ${bytes(host.reserved_memory)}`],
            [t('host.migrations'), host.migrations],
            [t('host.seen'), <Ago key="s" at={host.seen_at} />],
            [
              'ID',
              <span key="i" className="mono">
                {host.id}
              </span>,
            ],
          ]}
        />
      </Card>
      <Card title={t('host.software')}>
        <Facts rows={Object.entries(facts?.versions ?? {}).map(([name, version]) => [name, version])} />
      </Card>
      <Card title={t('host.devices')}>
        <ul className="devices">
          {facts?.disks.map(disk => (
            <li key={disk.name}>
              <strong className="mono">{disk.name}</strong>
              <span>{bytes(disk.size)}</span>
              <span className="quiet">{disk.model}</span>
            </li>
          ))}
          {facts?.nics.map(nic => (
            <li key={nic.name}>
              <strong className="mono">{nic.name}</strong>
              <span className="mono quiet">{nic.mac}</span>
              <span>{nic.link ? (nic.speed ? `${nic.speed} Mbit/s` : t('host.link')) : t('host.no_link')}</span>
            </li>
          ))}
        </ul>
        {!facts?.disks.length && !facts?.nics.length && <Empty>{t('host.no_devices')}</Empty>}
      </Card>
    </div>
  )
}
