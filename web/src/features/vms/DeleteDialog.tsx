import { useNavigate } from '@tanstack/react-router'
import { Checkbox, Input } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { VmView } from '@/api/generated'
import { ChangeDialog } from '@/ui/ChangeDialog'
import { useChange } from '../tasks/change'
import { Plan } from '../tasks/Plan'
import { usePlan } from '../tasks/usePlan'
import { removeVm } from './actions'

/** Nothing is deleted without its name being typed. */
export function DeleteDialog({ vm, close }: { vm: VmView; close: () => void }) {
  const { t } = useTranslation()
  const navigate = useNavigate()
  const change = useChange()
  const [name, setName] = useState('')
  const [keep, setKeep] = useState(false)
  const options = { keep_volumes: keep, force: false }
  const plan = usePlan(`${vm.id} ${keep}`, () => removeVm(vm.id, options, true))
  const submit = async () => {
    const task = await change.run(`${t('vm.do.delete')} ${vm.name}`, () => removeVm(vm.id, options))
    if (!task) return
    close()
    void navigate({ to: '/vms' })
  }
  return (
    <ChangeDialog
      title={t('vm.delete_title', { name: vm.name })}
      ok={t('vm.do.delete')}
      danger
      disabled={name !== vm.name}
      {...change}
      close={close}
      submit={submit}
    >
      <p>{t('vm.delete_text')}</p>
      <p>
        <Checkbox checked={keep} onChange={event => setKeep(event.target.checked)}>
          {t('vm.keep_volumes')}
        </Checkbox>
      </p>
      <Plan {...plan} />
      <label className="field">
        {t('vm.type_name', { name: vm.name })}
        <Input value={name} onChange={event => setName(event.target.value)} autoFocus />
      </label>
    </ChangeDialog>
  )
}
