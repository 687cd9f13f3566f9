import { Input, InputNumber, Select } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { createPool, editHost, editPool, type PoolView } from '@/api/generated'
import { fieldMessage } from '@/api/problem'
import { useCollection } from '@/api/use'
import { useSession } from '@/app/session'
import { ChangeDialog } from '@/ui/ChangeDialog'
import { changesOf } from '@/ui/changes'
import { Field, NameField } from '@/ui/Field'
import { useChange } from '../tasks/change'

const FRESH = { name: '', vcpu_ratio: 2, memory_ratio: 1, cpu_model: 'auto', outside: '' }
const MOST = 64

/** A new pool, or another promise of one that there is; and hosts that come to it from other pools. */
export function PoolDialog({ pool, close }: { pool?: PoolView; close: () => void }) {
  const { t } = useTranslation()
  const { may } = useSession()
  const change = useChange()
  const [made, setMade] = useState(pool)
  const [draft, setDraft] = useState(pool ? pick(pool) : FRESH)
  const [coming, setComing] = useState<string[]>([])
  const set = (changes: Partial<typeof FRESH>) => setDraft({ ...draft, ...changes })
  const wrong = (field: string) => fieldMessage(change.problem, field)
  const submit = async () => {
    const there = await store(made)
    if (!there) return
    setMade(there) // what is done is not asked for again if a host is refused
    for (const id of coming) {
      const title = `${t('pool.take')} · ${draft.name}`
      if (!(await change.run(title, () => editHost({ path: { ref: id }, body: { pool: there.id } })))) return
      setComing(left => left.filter(other => other !== id))
    }
    close()
  }
  const store = async (before: PoolView | undefined) => {
    if (!before) return change.run<PoolView>(`${t('pool.new')} ${draft.name}`, () => createPool({ body: draft }))
    const body = changesOf(pick(before), draft)
    if (Object.keys(body).length === 0) return before
    return change.run<PoolView>(`${t('vm.do.edit')} ${draft.name}`, () => editPool({ path: { ref: before.id }, body }))
  }
  return (
    <ChangeDialog
      title={pool ? t('vm.edit_title', { name: pool.name }) : t('pool.new')}
      ok={pool ? t('save') : t('create')}
      disabled={!draft.name}
      {...change}
      close={close}
      submit={submit}
    >
      <NameField value={draft.name} onChange={name => set({ name })} error={wrong('name')} />
      <div className="field-row">
        <Ratio label={t('pool.vcpu_ratio')} value={draft.vcpu_ratio} set={vcpu_ratio => set({ vcpu_ratio })} />
        <Ratio label={t('pool.memory_ratio')} value={draft.memory_ratio} set={memory_ratio => set({ memory_ratio })} />
      </div>
      <Field label={t('pool.cpu_model')} hint={t('pool.cpu_hint')} error={wrong('cpu_model')}>
        <Input value={draft.cpu_model} onChange={event => set({ cpu_model: event.target.value.trim() })} />
      </Field>
      <Field label={t('pool.outside')} hint={t('pool.outside_hint')} error={wrong('outside')}>
        <Input
          value={draft.outside}
          onChange={event => set({ outside: event.target.value.trim() })}
          placeholder="192.0.2.10-192.0.2.99"
        />
      </Field>
      {may('edit_host') && <Coming pool={pool} coming={coming} choose={setComing} />}
    </ChangeDialog>
  )
}

const pick = ({ name, vcpu_ratio, memory_ratio, cpu_model, outside }: PoolView) => ({
  name,
  vcpu_ratio,
  memory_ratio,
  cpu_model,
  outside,
})

function Ratio({ label, value, set }: { label: string; value: number; set: (value: number) => void }) {
  return (
    <Field label={label}>
      <InputNumber min={1} max={MOST} step={0.5} value={value} onChange={next => set(next ?? 1)} suffix=": 1" />
    </Field>
  )
}

interface ComingProps {
  pool: PoolView | undefined
  coming: string[]
  choose: (ids: string[]) => void
}

/** A host is always in one pool: it leaves one by coming to another. */
function Coming({ pool, coming, choose }: ComingProps) {
  const { t } = useTranslation()
  const hosts = useCollection('host').rows
  const members = hosts.filter(host => host.pool_id === pool?.id).map(host => host.name)
  return (
    <Field
      label={t('pool.take')}
      {...(members.length > 0 ? { hint: t('pool.has', { hosts: members.join(', ') }) } : {})}
    >
      <Select
        mode="multiple"
        value={coming}
        onChange={choose}
        options={hosts.filter(host => host.pool_id !== pool?.id).map(({ id, name }) => ({ value: id, label: name }))}
        showSearch={{ optionFilterProp: 'label' }}
      />
    </Field>
  )
}
