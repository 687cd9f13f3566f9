import { useQuery } from '@tanstack/react-query'
import { Alert, InputNumber, Radio, Select, Spin } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { ask } from '@/api/ask'
import { explainPlacement, type MigrationMode, migrateVm, type VerdictView, type VmView } from '@/api/generated'
import { asProblem } from '@/api/problem'
import { useNames } from '@/api/use'
import { ChangeDialog } from '@/ui/ChangeDialog'
import { ProblemAlert } from '@/ui/ProblemAlert'
import { useChange } from '../tasks/change'

const MODES: MigrationMode[] = ['auto', 'plain', 'auto-converge', 'post-copy'] as MigrationMode[]

/** Where a VM may go, and for every other host why it may not. */
export function MigrateDialog({ vm, close, host }: { vm: VmView; close: () => void; host?: string }) {
  const { t } = useTranslation()
  const change = useChange()
  const hosts = useNames('host')
  const [target, setTarget] = useState(host ?? '')
  const [mode, setMode] = useState<MigrationMode>('auto' as MigrationMode)
  const [bandwidth, setBandwidth] = useState<number | null>(null)
  const asked = useQuery({
    queryKey: ['placement', vm.id],
    queryFn: () => ask(explainPlacement({ body: { vm: vm.id } })),
    retry: false,
    gcTime: 0,
  })
  const submit = async () => {
    const body = { mode, ...(target ? { host: target } : {}), ...(bandwidth ? { bandwidth } : {}) }
    if (await change.run(`${t('vm.do.migrate')} ${vm.name}`, () => migrateVm({ path: { ref: vm.id }, body }))) close()
  }
  const refused = vm.allowed_actions.migrate?.allowed === false ? vm.allowed_actions.migrate.reason : undefined
  const others = (asked.data?.verdicts ?? []).filter(verdict => verdict.host_id !== vm.host_id)
  return (
    <ChangeDialog
      title={t('vm.migrate_title', { name: vm.name })}
      ok={t('vm.do.migrate')}
      disabled={refused !== undefined || !suits(others, target)}
      {...change}
      close={close}
      submit={submit}
      width={640}
    >
      {refused !== undefined && <Alert type="warning" showIcon title={refused} className="note" />}
      <p className="quiet">{t('vm.migrate_from', { host: hosts.name(vm.host_id) })}</p>
      <ProblemAlert problem={asked.error ? asProblem(asked.error) : undefined} />
      {asked.isPending && <Spin />}
      {asked.data && <Targets verdicts={others} target={target} choose={setTarget} />}
      <div className="field-row">
        <label className="field">
          {t('vm.mode')}
          <Select value={mode} onChange={setMode} options={MODES.map(value => ({ value, label: value }))} />
        </label>
        <label className="field">
          {t('vm.bandwidth')}
          <InputNumber min={1} value={bandwidth} onChange={setBandwidth} placeholder={t('unlimited')} suffix="MiB/s" />
        </label>
      </div>
    </ChangeDialog>
  )
}

/** Whether it can go to the host that is chosen; without one, to any. */
const suits = (verdicts: VerdictView[], target: string) =>
  verdicts.some(verdict => verdict.suitable && (target === '' || verdict.host_id === target))

interface TargetsProps {
  verdicts: VerdictView[]
  target: string
  choose: (host: string) => void
}

function Targets({ verdicts, target, choose }: TargetsProps) {
  const { t } = useTranslation()
  if (verdicts.length === 0) return <p>{t('vm.no_other_host')}</p>
  return (
    <Radio.Group className="targets" value={target} onChange={event => choose(event.target.value)}>
      <Radio value="">{t('vm.best_host')}</Radio>
      {verdicts.map(verdict => (
        <Radio key={verdict.host_id} value={verdict.host_id} disabled={!verdict.suitable}>
          <strong>{verdict.host_name}</strong>
          <div className={verdict.suitable ? 'quiet' : 'tone-bad'}>{verdict.reasons.join(' · ')}</div>
        </Radio>
      ))}
    </Radio.Group>
  )
}
