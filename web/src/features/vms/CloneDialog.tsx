import { Checkbox, Input } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { VmView } from '@/api/generated'
import { fieldMessage } from '@/api/problem'
import { ChangeDialog } from '@/ui/ChangeDialog'
import { useChange } from '../tasks/change'
import { copyVm } from './actions'

export function CloneDialog({ vm, close }: { vm: VmView; close: () => void }) {
  const { t } = useTranslation()
  const change = useChange()
  const [name, setName] = useState(`${vm.name}-2`)
  const [linked, setLinked] = useState(false)
  const submit = async () => {
    if (await change.run(`${t('vm.do.clone')} ${vm.name} → ${name}`, () => copyVm(vm.id, name, linked))) close()
  }
  return (
    <ChangeDialog
      title={t('vm.clone_title', { name: vm.name })}
      ok={t('vm.do.clone')}
      disabled={!name}
      {...change}
      close={close}
      submit={submit}
    >
      <label className="field">
        {t('name')}
        <Input
          value={name}
          onChange={event => setName(event.target.value)}
          status={fieldMessage(change.problem, 'name') ? 'error' : ''}
          autoFocus
        />
      </label>
      <Checkbox checked={linked} onChange={event => setLinked(event.target.checked)}>
        {t('vm.linked')}
      </Checkbox>
    </ChangeDialog>
  )
}
