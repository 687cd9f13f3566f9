import { Input, Radio } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { createNetwork, type NetworkKind } from '@/api/generated'
import { fieldMessage } from '@/api/problem'
import { ChangeDialog } from '@/ui/ChangeDialog'
import { Field, NameField } from '@/ui/Field'
import { useChange } from '../tasks/change'

export function NetworkDialog({ close }: { close: () => void }) {
  const { t } = useTranslation()
  const change = useChange()
  const [draft, setDraft] = useState({ name: '', cidr: '', kind: 'nat' as NetworkKind, dns: '' })
  const submit = async () => {
    const dns = draft.dns.split(/[\s,]+/).filter(Boolean)
    const body = { name: draft.name, cidr: draft.cidr, kind: draft.kind, dns }
    if (await change.run(`${t('network.new')} ${draft.name}`, () => createNetwork({ body }))) close()
  }
  return (
    <ChangeDialog
      title={t('network.new')}
      ok={t('create')}
      disabled={!draft.name || !draft.cidr}
      {...change}
      close={close}
      submit={submit}
    >
      <NameField
        value={draft.name}
        onChange={name => setDraft({ ...draft, name })}
        error={fieldMessage(change.problem, 'name')}
      />
      <Field label={t('network.cidr')} error={fieldMessage(change.problem, 'cidr')}>
        <Input
          value={draft.cidr}
          onChange={event => setDraft({ ...draft, cidr: event.target.value })}
          placeholder="10.30.0.0/24"
        />
      </Field>
      <Field label={t('network.dns')} error={fieldMessage(change.problem, 'dns.0')}>
        <Input
          value={draft.dns}
          onChange={event => setDraft({ ...draft, dns: event.target.value })}
          placeholder="9.9.9.9"
        />
      </Field>
      <Radio.Group value={draft.kind} onChange={event => setDraft({ ...draft, kind: event.target.value })}>
        <Radio value="nat">{t('network.nat')}</Radio>
        <Radio value="isolated">{t('network.isolated')}</Radio>
      </Radio.Group>
    </ChangeDialog>
  )
}
