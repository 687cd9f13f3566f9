import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Button, Checkbox, InputNumber, Spin } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { ask } from '@/api/ask'
import { editPolicy, getPolicy, type PolicyView } from '@/api/generated'
import { asProblem } from '@/api/problem'
import { useSession } from '@/app/session'
import type { TextKey } from '@/i18n'
import { changesOf } from '@/ui/changes'
import { Field } from '@/ui/Field'
import { Card, Page } from '@/ui/Page'
import { ProblemAlert } from '@/ui/ProblemAlert'
import { useChange } from '../tasks/change'

const POLICIES = ['password', 'session'] as const
const keyOf = (name: string) => ['policy', name]

/** What passwords must be, and how long somebody is signed in. */
export function PoliciesPage() {
  const { t } = useTranslation()
  return (
    <Page title={t('policies')} intro={t('policy.intro')}>
      <div className="grid">
        {POLICIES.map(name => (
          <Policy key={name} name={name} />
        ))}
      </div>
    </Page>
  )
}

function Policy({ name }: { name: (typeof POLICIES)[number] }) {
  const { t } = useTranslation()
  const found = useQuery({ queryKey: keyOf(name), queryFn: () => ask(getPolicy({ path: { ref: name } })) })
  return (
    <Card title={t(`policy.${name}`)}>
      <ProblemAlert problem={found.error ? asProblem(found.error) : undefined} retry={() => void found.refetch()} />
      {found.isPending && <Spin />}
      {found.data && <Values key={JSON.stringify(found.data.values)} policy={found.data} />}
    </Card>
  )
}

/** The values as the API gives them; what it does not take, it says itself. */
function Values({ policy }: { policy: PolicyView }) {
  const { t, i18n } = useTranslation()
  const { may } = useSession()
  const client = useQueryClient()
  const change = useChange()
  const [draft, setDraft] = useState(policy.values)
  const changes = changesOf(policy.values, draft)
  const locked = !may('edit_policy')
  const set = (name: string, value: number | boolean | null) => {
    if (value !== null) setDraft({ ...draft, [name]: value })
  }
  const save = async () => {
    const title = `${t('policies')} · ${t(`policy.${policy.name}` as TextKey)}`
    const body = { values: changes as PolicyView['values'] }
    const now = await change.run<PolicyView>(title, () => editPolicy({ path: { ref: policy.name }, body }))
    if (now) client.setQueryData(keyOf(policy.name), now)
  }
  const label = (name: string) =>
    i18n.exists(`policy.${name}`) ? t(`policy.${name}` as TextKey) : name.replaceAll('_', ' ')
  return (
    <>
      {Object.entries(draft).map(([name, value]) =>
        typeof value === 'boolean' ? (
          <p key={name} className="field">
            <Checkbox checked={value} disabled={locked} onChange={event => set(name, event.target.checked)}>
              {label(name)}
            </Checkbox>
          </p>
        ) : (
          <Field key={name} label={label(name)}>
            <InputNumber precision={0} value={value} disabled={locked} onChange={next => set(name, next)} />
          </Field>
        ),
      )}
      <ProblemAlert problem={change.problem} onClose={change.clear} />
      {!locked && (
        <Button type="primary" disabled={Object.keys(changes).length === 0} loading={change.busy} onClick={save}>
          {t('save')}
        </Button>
      )}
    </>
  )
}
