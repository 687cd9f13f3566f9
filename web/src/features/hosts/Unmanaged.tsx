import { useQuery } from '@tanstack/react-query'
import { Button, Select, Spin } from 'antd'
import { RotateCw } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { ask } from '@/api/ask'
import { toldKey } from '@/api/collections'
import { adoptVm, type HostView, listUnmanaged, type UnmanagedView } from '@/api/generated'
import { asProblem } from '@/api/problem'
import { useCollection } from '@/api/use'
import { useSession } from '@/app/session'
import { ActionButton } from '@/ui/ActionButton'
import { Field, NameField } from '@/ui/Field'
import { bytes } from '@/ui/format'
import { Card, Empty } from '@/ui/Page'
import { ProblemAlert } from '@/ui/ProblemAlert'
import { StateMark } from '@/ui/StateMark'
import { PlanDialog } from '../tasks/PlanDialog'

/** Domains that others made on a host, as it has them now; those that can be are taken over as VMs. */
export function Unmanaged({ host }: { host: HostView }) {
  const { t } = useTranslation()
  const { may } = useSession()
  const [adopting, setAdopting] = useState<UnmanagedView>()
  const found = useQuery({
    queryKey: [...toldKey('vm'), 'unmanaged', host.id],
    queryFn: async () => (await ask(listUnmanaged({ path: { ref: host.id } }))).items,
    retry: false,
  })
  const again = (
    <Button size="small" icon={<RotateCw size={14} />} loading={found.isFetching} onClick={() => void found.refetch()}>
      {t('host.look_again')}
    </Button>
  )
  return (
    <Card title={t('host.unmanaged')} extra={again}>
      <p className="quiet">{t('host.unmanaged_text')}</p>
      <ProblemAlert problem={found.error ? asProblem(found.error) : undefined} />
      {found.isPending && <Spin />}
      {found.data?.length === 0 && <Empty>{t('host.no_unmanaged')}</Empty>}
      <ul className="devices">
        {found.data?.map(domain => (
          <li key={domain.id}>
            <div>
              <strong>{domain.name}</strong>
              <div className="quiet mono">{domain.id}</div>
            </div>
            <StateMark state={domain.state} />
            <span className="quiet">
              {domain.vcpus} vCPU · {bytes(domain.memory)} ·{' '}
              {t('host.parts', { disks: domain.disks.length, nics: domain.nics.length })}
              {domain.ours && ` · ${t('host.ours')}`}
            </span>
            <span className="tone-bad">{domain.refusals.join(' ')}</span>
            {may('adopt_vm') && (
              <ActionButton
                size="small"
                verdict={{ allowed: domain.refusals.length === 0, reason: domain.refusals.join(' ') }}
                onClick={() => setAdopting(domain)}
              >
                {t('host.adopt')}
              </ActionButton>
            )}
          </li>
        ))}
      </ul>
      {adopting && <AdoptDialog host={host} domain={adopting} close={() => setAdopting(undefined)} />}
    </Card>
  )
}

interface AdoptProps {
  host: HostView
  domain: UnmanagedView
  close: () => void
}

function AdoptDialog({ host, domain, close }: AdoptProps) {
  const { t } = useTranslation()
  const networks = useCollection('network').rows
  const projects = useCollection('project').rows
  const [draft, setDraft] = useState({ name: domain.name, network: '', project: '' })
  const set = (changes: Partial<typeof draft>) => setDraft({ ...draft, ...changes })
  const asked = Object.fromEntries(Object.entries(draft).filter(([, value]) => value !== ''))
  return (
    <PlanDialog
      title={t('host.adopt_title', { name: domain.name })}
      ok={t('host.adopt')}
      log={`${t('host.adopt')} ${draft.name}`}
      asked={JSON.stringify(draft)}
      request={plan => adoptVm({ path: { ref: host.id }, body: { ...asked, domain: domain.id }, query: { plan } })}
      close={close}
    >
      {wrong => (
        <>
          <NameField value={draft.name} onChange={name => set({ name })} error={wrong('name')} />
          {domain.nics.length > 0 && (
            <Field label={t('host.adopt_network')} error={wrong('network')}>
              <Select
                value={draft.network || undefined}
                onChange={network => set({ network })}
                options={networks.map(({ id, name, cidr }) => ({ value: id, label: `${name} · ${cidr}` }))}
              />
            </Field>
          )}
          {projects.length > 1 && (
            <Field label={t('project')} error={wrong('project')}>
              <Select
                value={draft.project || undefined}
                onChange={project => set({ project })}
                options={projects.map(({ id, name }) => ({ value: id, label: name }))}
              />
            </Field>
          )}
        </>
      )}
    </PlanDialog>
  )
}
