import { useNavigate, useParams } from '@tanstack/react-router'
import { Spin, Tabs } from 'antd'
import { Trash2 } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { ask } from '@/api/ask'
import { deleteNetwork, getNetwork, type NetworkView } from '@/api/generated'
import { useCollection, useOne } from '@/api/use'
import { useSession } from '@/app/session'
import { ActionButton } from '@/ui/ActionButton'
import { Card, Empty, Facts, Page } from '@/ui/Page'
import { ProblemAlert } from '@/ui/ProblemAlert'
import { StateMark } from '@/ui/StateMark'
import { useView } from '@/ui/view'
import { ObjectTasks } from '../tasks/ObjectTasks'
import { RemoveDialog } from '../tasks/RemoveDialog'
import { VmLink } from './links'
import { NetworkFloating, NetworkForwards, NetworkRouters } from './NetworkParts'

export function NetworkPage() {
  const { t } = useTranslation()
  const { id = '' } = useParams({ strict: false })
  const { one, problem, retry } = useOne('network', id, () => ask(getNetwork({ path: { ref: id } })))
  if (one) return <Shown network={one} problem={problem} />
  return <Page title={t('network')}>{problem ? <ProblemAlert problem={problem} retry={retry} /> : <Spin />}</Page>
}

function Shown({ network, problem }: { network: NetworkView; problem: ReturnType<typeof useOne>['problem'] }) {
  const { t } = useTranslation()
  const { may } = useSession()
  const view = useView()
  const navigate = useNavigate()
  const [removing, setRemoving] = useState(false)
  const tabs = [
    { key: 'summary', label: t('vm.summary'), children: <Summary network={network} /> },
    ...(may('list_tasks')
      ? [{ key: 'tasks', label: t('tasks'), children: <ObjectTasks objectId={network.id} /> }]
      : []),
  ]
  return (
    <Page
      name={network.name}
      title={
        <span className="title-line">
          {network.name} <StateMark state={network.state} />
        </span>
      }
      actions={
        <ActionButton
          danger
          icon={<Trash2 size={15} />}
          verdict={network.allowed_actions.delete}
          onClick={() => setRemoving(true)}
        >
          {t('delete')}
        </ActionButton>
      }
    >
      <ProblemAlert problem={problem} />
      <Tabs activeKey={view.tab ?? 'summary'} onChange={tab => view.set({ tab })} items={tabs} />
      {removing && (
        <RemoveDialog
          noun={t('network')}
          name={network.name}
          close={() => setRemoving(false)}
          request={async plan => {
            const answer = await deleteNetwork({ path: { ref: network.id }, query: { plan } })
            if (!plan && answer.error === undefined) void navigate({ to: '/networks' })
            return answer
          }}
        />
      )}
    </Page>
  )
}

function Summary({ network }: { network: NetworkView }) {
  const { t } = useTranslation()
  const { may } = useSession()
  const mono = (text: string) => text && <span className="mono">{text}</span>
  return (
    <div className="grid">
      <Card title={t('network')}>
        <Facts
          rows={[
            [t('network.kind'), t(`network.${network.kind}`)],
            [t('network.cidr'), mono(network.cidr)],
            [t('network.gateway'), mono(network.gateway)],
            ['DNS', mono(network.dns.join(', '))],
            ['MTU', network.mtu],
            [t('network.reserved'), mono(network.reserved.join(', '))],
            [t('label'), network.label],
            ['ID', mono(network.id)],
          ]}
        />
      </Card>
      {may('list_routers') && <NetworkRouters network={network} />}
      {may('list_floating_ips') && network.kind === 'nat' && <NetworkFloating network={network} />}
      {may('list_forwards') && network.kind === 'nat' && <NetworkForwards network={network} />}
      {may('list_vms') && <Members network={network} />}
    </div>
  )
}

const SHOWN = 50

function Members({ network }: { network: NetworkView }) {
  const { t } = useTranslation()
  const vms = useCollection('vm').rows.filter(vm => vm.nics.some(nic => nic.network_id === network.id))
  return (
    <Card title={`${t('vms')} (${vms.length})`}>
      {vms.length === 0 && <Empty>{t('network.no_vms')}</Empty>}
      <ul className="devices">
        {vms.slice(0, SHOWN).map(vm => (
          <li key={vm.id}>
            <VmLink id={vm.id} name={vm.name} />
            <StateMark state={vm.state} />
            <span className="mono quiet">
              {vm.nics
                .filter(nic => nic.network_id === network.id)
                .map(nic => nic.address)
                .join(', ')}
            </span>
          </li>
        ))}
      </ul>
      {vms.length > SHOWN && <p className="quiet">+{vms.length - SHOWN}</p>}
    </Card>
  )
}
