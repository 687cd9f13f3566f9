import { useNavigate } from '@tanstack/react-router'
import { Button, Checkbox } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { createVm } from '@/api/generated'
import { Card, Page } from '@/ui/Page'
import { ProblemAlert } from '@/ui/ProblemAlert'
import { useChange } from '../tasks/change'
import { Plan } from '../tasks/Plan'
import { usePlan } from '../tasks/usePlan'
import { FirstBoot, Hardware, Identity, Networks, Source } from './CreateParts'
import { type Draft, FIRST_DRAFT, missing, vmCreateOf } from './draft'

/** A new VM: all questions on one page, and beside them, always, what would be done and on which host. */
export function CreatePage() {
  const { t } = useTranslation()
  const navigate = useNavigate()
  const change = useChange()
  const [draft, setDraft] = useState(FIRST_DRAFT)
  const set = (changes: Partial<Draft>) => setDraft(before => ({ ...before, ...changes }))
  const lacking = missing(draft)
  const body = vmCreateOf(draft)
  const plan = usePlan(lacking ? undefined : JSON.stringify(body), () => createVm({ body, query: { plan: true } }))
  const submit = async () => {
    const task = await change.run(`${t('vm.new')} ${draft.name}`, () => createVm({ body }))
    if (task) void navigate({ to: '/vms/$id', params: { id: task.object_id } })
  }
  const problem = plan.problem ?? change.problem
  const parts = { draft, set, problem }
  return (
    <Page title={t('vm.new')}>
      <form
        className="wizard"
        onSubmit={event => {
          event.preventDefault()
          void submit()
        }}
      >
        <div className="wizard-form">
          <Card title={t('wizard.identity')}>
            <Identity {...parts} />
          </Card>
          <Card title={t('wizard.source')}>
            <Source {...parts} />
          </Card>
          <Card title={t('wizard.hardware')}>
            <Hardware {...parts} />
          </Card>
          <Card title={t('wizard.networks')}>
            <Networks {...parts} />
          </Card>
          {draft.source === 'image' && (
            <Card title={t('wizard.first_boot')}>
              <FirstBoot {...parts} />
            </Card>
          )}
        </div>
        <aside className="wizard-plan" aria-label={t('plan')}>
          <Card title={t('plan')}>
            {lacking ? <p className="quiet">{t(lacking)}</p> : <Plan {...plan} />}
            <ProblemAlert problem={change.problem} onClose={change.clear} />
            <p>
              <Checkbox checked={draft.start} onChange={event => set({ start: event.target.checked })}>
                {t('wizard.start')}
              </Checkbox>
            </p>
            <Button
              type="primary"
              htmlType="submit"
              block
              disabled={Boolean(lacking) || plan.problem !== undefined}
              loading={change.busy}
            >
              {t('vm.create')}
            </Button>
          </Card>
        </aside>
      </form>
    </Page>
  )
}
