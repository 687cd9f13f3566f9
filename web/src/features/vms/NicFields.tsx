import { Input, Select } from 'antd'
import { useTranslation } from 'react-i18next'
import { useCollection } from '@/api/use'
import { useSession } from '@/app/session'
import { Field } from '@/ui/Field'
import { SecurityGroupsSelect } from '../securityGroups/SecurityGroupsSelect'
import type { Wrong } from '../tasks/PlanDialog'
import type { NewNic } from './nics'

interface Props {
  nic: NewNic
  set: (changes: Partial<NewNic>) => void
  wrong: Wrong
  /** The network that it is on already, where it keeps its address. */
  on?: string
}

/** Where a NIC is, what the guest sees, and who may speak with it. */
export function NicFields({ nic, set, wrong, on }: Props) {
  const { t } = useTranslation()
  const { may } = useSession()
  const networks = useCollection('network').rows.filter(({ id, state }) => state === 'ready' || id === on)
  return (
    <>
      <div className="field-row">
        <Field label={t('network')} error={wrong('network')}>
          <Select
            value={nic.network || undefined}
            onChange={network => set({ network })}
            options={networks.map(({ id, name, cidr }) => ({ value: id, label: `${name} · ${cidr}` }))}
            placeholder={networks.length === 0 ? t('network.none') : t('nic.choose_network')}
            showSearch={{ optionFilterProp: 'label' }}
          />
        </Field>
        {nic.network !== on && (
          <Field label={t('address')} error={wrong('address')}>
            <Input
              value={nic.address}
              onChange={event => set({ address: event.target.value.trim() })}
              placeholder={t('nic.free_address')}
            />
          </Field>
        )}
        <Field label={t('nic.model')}>
          <Select
            value={nic.model}
            onChange={model => set({ model })}
            options={[
              { value: 'virtio', label: 'virtio' },
              { value: 'e1000e', label: 'e1000e' },
            ]}
          />
        </Field>
      </div>
      {may('list_security_groups') && (
        <SecurityGroupsSelect
          value={nic.groups}
          onChange={groups => set({ groups })}
          error={wrong('security_groups')}
        />
      )}
    </>
  )
}
