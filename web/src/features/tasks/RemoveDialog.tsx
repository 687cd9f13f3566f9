import { Input } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { ChangeDialog } from '@/ui/ChangeDialog'
import { useChange } from './change'
import { Plan } from './Plan'
import { usePlan } from './usePlan'

interface Props {
  noun: string
  name: string
  close: () => void
  /** Asks for the plan, or to do it. */
  request: (plan: boolean) => Promise<{ data?: unknown; error?: unknown }>
  /** Whether there is a plan to ask for: some things are done at once. */
  planned?: boolean
}

/** Nothing is deleted without its name being typed; what the API refuses is said before. */
export function RemoveDialog({ noun, name, close, request, planned = true }: Props) {
  const { t } = useTranslation()
  const change = useChange()
  const [typed, setTyped] = useState('')
  const plan = usePlan(planned ? name : undefined, () => request(true))
  const submit = async () => {
    if ((await change.run(`${t('delete')} ${noun} ${name}`, () => request(false))) !== undefined) close()
  }
  return (
    <ChangeDialog
      title={t('delete_title', { noun, name })}
      ok={t('delete')}
      danger
      disabled={typed !== name || plan.problem !== undefined}
      {...change}
      close={close}
      submit={submit}
    >
      <Plan {...plan} />
      <label className="field">
        {t('vm.type_name', { name })}
        <Input value={typed} onChange={event => setTyped(event.target.value)} autoFocus />
      </label>
    </ChangeDialog>
  )
}
