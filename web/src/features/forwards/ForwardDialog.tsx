import { InputNumber, Radio, Select } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { createForward, type NetworkView, type PortProtocol } from '@/api/generated'
import { useCollection } from '@/api/use'
import { Field, FieldGroup } from '@/ui/Field'
import { readNic, useNetworkChoices, useNicChoices } from '../networks/choices'
import { PlanDialog, type Wrong } from '../tasks/PlanDialog'

interface Draft {
  network: string
  protocol: PortProtocol
  port: number | null
  target: string
  to_port: number | null
  address: string
}

/** What is complete enough to be asked for. */
function bodyOf(draft: Draft) {
  const { network, protocol, port, to_port, address, target } = draft
  if (!network || !target || !port || !to_port) return undefined
  return { network, protocol, port, to_port, ...readNic(target), ...(address ? { address } : {}) }
}

/** A port of the host by which a network goes out, or of a floating address, that leads to a port of a VM. */
export function ForwardDialog({ network, close }: { network?: NetworkView; close: () => void }) {
  const { t } = useTranslation()
  const [draft, setDraft] = useState<Draft>({
    network: network?.id ?? '',
    protocol: 'tcp',
    port: null,
    target: '',
    to_port: null,
    address: '',
  })
  const set = (changes: Partial<Draft>) => setDraft({ ...draft, ...changes })
  const body = bodyOf(draft)
  return (
    <PlanDialog
      title={t('forward.new')}
      ok={t('create')}
      log={`${t('forward.new')} ${draft.port}`}
      asked={body && JSON.stringify(body)}
      request={plan => createForward({ body: body ?? neverSent, query: { plan } })}
      close={close}
    >
      {wrong => (
        <>
          <Outside draft={draft} set={set} fixed={network !== undefined} wrong={wrong} />
          <Inside draft={draft} set={set} wrong={wrong} />
        </>
      )}
    </PlanDialog>
  )
}
const neverSent = { network: '', port: 1, vm: '', to_port: 1 }

interface PartProps {
  draft: Draft
  set: (changes: Partial<Draft>) => void
  wrong: Wrong
}

function Outside({ draft, set, fixed, wrong }: PartProps & { fixed: boolean }) {
  const { t } = useTranslation()
  const networks = useNetworkChoices()
  const floating = useCollection('floating_ip').rows.filter(one => one.network_id === draft.network)
  return (
    <>
      <Field label={t('network')}>
        <Select
          value={draft.network || undefined}
          onChange={network => set({ network, target: '', address: '' })}
          options={networks}
          disabled={fixed}
        />
      </Field>
      <Field label={t('forward.outside')} error={wrong('address')}>
        <Select
          value={draft.address}
          onChange={address => set({ address })}
          options={[
            { value: '', label: t('forward.of_host') },
            ...floating.map(({ id, address }) => ({ value: id, label: address })),
          ]}
        />
      </Field>
      <div className="field-row">
        <FieldGroup label={t('rule.protocol')}>
          <Radio.Group
            value={draft.protocol}
            onChange={event => set({ protocol: event.target.value })}
            optionType="button"
            options={(['tcp', 'udp'] as const).map(value => ({ value, label: value.toUpperCase() }))}
          />
        </FieldGroup>
        <Field label={t('forward.port')} error={wrong('port')}>
          <InputNumber min={1} max={65535} value={draft.port} onChange={port => set({ port })} />
        </Field>
      </div>
    </>
  )
}

function Inside({ draft, set, wrong }: PartProps) {
  const { t } = useTranslation()
  const nics = useNicChoices(draft.network || undefined)
  return (
    <div className="field-row">
      <Field label={t('floating.nic')} {...(draft.network && nics.length === 0 ? { hint: t('floating.no_nic') } : {})}>
        <Select
          value={draft.target || undefined}
          onChange={target => set({ target })}
          options={nics}
          showSearch={{ optionFilterProp: 'label' }}
        />
      </Field>
      <Field label={t('forward.to_port')} error={wrong('to_port')}>
        <InputNumber min={1} max={65535} value={draft.to_port} onChange={to_port => set({ to_port })} />
      </Field>
    </div>
  )
}
