import { InputNumber, Select } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { editHost, type HostView } from '@/api/generated'
import { fieldMessage } from '@/api/problem'
import { useCollection } from '@/api/use'
import { ChangeDialog } from '@/ui/ChangeDialog'
import { changesOf } from '@/ui/changes'
import { Field, TagsField } from '@/ui/Field'
import { SizeInput } from '@/ui/SizeInput'
import { useChange } from '../tasks/change'

interface Draft {
  pool: string
  tags: string[]
  reserved_vcpus: number
  reserved_memory: number | undefined
}

const draftOf = (host: HostView): Draft => ({
  pool: host.pool_id,
  tags: host.tags,
  reserved_vcpus: host.reserved_vcpus,
  reserved_memory: host.reserved_memory,
})

/** A host's pool, its tags and what it keeps for itself: it holds for what is placed from then on. */
export function HostEditDialog({ host, close }: { host: HostView; close: () => void }) {
  const { t } = useTranslation()
  const change = useChange()
  const pools = useCollection('pool').rows
  const [before] = useState(() => draftOf(host))
  const [draft, setDraft] = useState(before)
  const set = (changes: Partial<Draft>) => setDraft({ ...draft, ...changes })
  const wrong = (field: string) => fieldMessage(change.problem, field)
  const submit = async () => {
    const body = changesOf(before, draft)
    if (Object.keys(body).length === 0) return close()
    if (await change.run(`${t('vm.do.edit')} ${host.name}`, () => editHost({ path: { ref: host.id }, body }))) close()
  }
  return (
    <ChangeDialog
      title={t('vm.edit_title', { name: host.name })}
      ok={t('save')}
      disabled={draft.reserved_memory === undefined}
      {...change}
      close={close}
      submit={submit}
    >
      <p className="quiet">{t('host.edit_text')}</p>
      <Field label={t('pool')} error={wrong('pool')}>
        <Select
          value={draft.pool}
          onChange={pool => set({ pool })}
          options={pools.map(({ id, name }) => ({ value: id, label: name }))}
        />
      </Field>
      <TagsField value={draft.tags} onChange={tags => set({ tags })} wrong={wrong} />
      <div className="field-row">
        <Field label={t('host.reserved_vcpus')} error={wrong('reserved_vcpus')}>
          <InputNumber
            min={0}
            precision={0}
            value={draft.reserved_vcpus}
            onChange={value => set({ reserved_vcpus: value ?? 0 })}
          />
        </Field>
        <Field label={t('host.reserved_memory')} error={wrong('reserved_memory')}>
          <SizeInput value={draft.reserved_memory} onChange={reserved_memory => set({ reserved_memory })} />
        </Field>
      </div>
    </ChangeDialog>
  )
}
