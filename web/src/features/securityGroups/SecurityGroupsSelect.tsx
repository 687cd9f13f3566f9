import { Select } from 'antd'
import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import { useCollection } from '@/api/use'
import { Field } from '@/ui/Field'

interface Props {
  value: string[]
  onChange: (ids: string[]) => void
  error?: string | undefined
}

/** The groups that a NIC is in; in none of them it is not filtered, and that is said. */
export function SecurityGroupsSelect({ value, onChange, error }: Props) {
  const { t } = useTranslation()
  const { rows } = useCollection('security_group')
  const options = useMemo(
    () =>
      rows
        .filter(group => group.state === 'ready' || value.includes(group.id))
        .map(({ id, name }) => ({ value: id, label: name }))
        .sort((one, other) => one.label.localeCompare(other.label)),
    [rows, value],
  )
  return (
    <Field label={t('security_groups')} error={error} {...(value.length === 0 ? { hint: t('nic.unfiltered') } : {})}>
      <Select
        mode="multiple"
        value={value}
        onChange={onChange}
        options={options}
        showSearch={{ optionFilterProp: 'label' }}
        placeholder={options.length === 0 ? t('security_group.none') : ''}
      />
    </Field>
  )
}
