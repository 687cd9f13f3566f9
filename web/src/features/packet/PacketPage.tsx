import { useQuery } from '@tanstack/react-query'
import { AutoComplete, Button, InputNumber, Radio, Select, Spin } from 'antd'
import { useEffect, useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { ask } from '@/api/ask'
import { toldKey } from '@/api/collections'
import { explainNetwork } from '@/api/generated'
import { asProblem, fieldMessage, type Problem } from '@/api/problem'
import { useCollection, useNames } from '@/api/use'
import { Field, FieldGroup } from '@/ui/Field'
import { Card, Empty, Page } from '@/ui/Page'
import { ProblemAlert } from '@/ui/ProblemAlert'
import { useView, type View } from '@/ui/view'
import { PacketPath } from './PacketPath'
import { questionOf } from './path'
import './packet.css'

/** Would a packet get there, and what decides it? The question is in the address bar; nothing is sent. */
export function PacketPage() {
  const { t } = useTranslation()
  const { set, ...view } = useView()
  const question = questionOf(view)
  const answer = useQuery({
    queryKey: [...toldKey('security_group'), 'packet', question], // another rule may mean another answer
    queryFn: () => ask(explainNetwork({ body: question ?? neverSent })),
    enabled: question !== undefined,
    retry: false,
  })
  const problem = question && answer.error ? asProblem(answer.error) : undefined
  const put = (next: View) => {
    if (JSON.stringify(questionOf(next)) === JSON.stringify(question)) void answer.refetch()
    else set(next)
  }
  return (
    <Page title={t('packet')} intro={t('packet.intro')}>
      <div className="packet">
        <Question view={view} put={put} problem={problem} busy={answer.isFetching} />
        <Card title={t('packet.answer')} className="packet-answer">
          <div aria-live="polite">
            {!question && <Empty>{t('packet.none')}</Empty>}
            <ProblemAlert problem={problem} />
            {question && answer.isPending && <Spin />}
            {question && answer.data && !problem && <PacketPath question={question} answer={answer.data} />}
          </div>
        </Card>
      </div>
    </Page>
  )
}
const neverSent = { sender: '', receiver: '' }

interface QuestionProps {
  view: View
  put: (view: View) => void
  problem: Problem | undefined
  busy: boolean
}

function Question({ view, put, problem, busy }: QuestionProps) {
  const { t } = useTranslation()
  const senders = useSenders()
  const receivers = useReceivers()
  const [draft, setDraft] = useState<View>(view)
  const asked = JSON.stringify(view)
  useEffect(() => setDraft(JSON.parse(asked)), [asked]) // Back asks what was asked before
  const set = (changes: View) => setDraft({ ...draft, ...changes })
  const complete = questionOf(draft) !== undefined
  return (
    <Card title={t('packet.question')}>
      <form
        onSubmit={event => {
          event.preventDefault()
          if (complete) put(draft)
        }}
      >
        <Field label={t('packet.from')} error={fieldMessage(problem, 'sender')}>
          <Select
            value={senders.find(({ value }) => value === `${draft.from} ${draft.nic}`)?.value}
            onChange={chosen => {
              const [from = '', nic = ''] = chosen.split(' ')
              set({ from, nic })
            }}
            options={senders}
            placeholder={senders.length === 0 ? t('packet.no_nic') : t('packet.choose_nic')}
            showSearch={{ optionFilterProp: 'label' }}
          />
        </Field>
        <Field label={t('packet.to')} hint={t('packet.to_hint')} error={fieldMessage(problem, 'receiver')}>
          <AutoComplete
            value={draft.to ?? ''}
            onChange={(to: string) => set({ to: to.trim() })}
            options={receivers}
            showSearch={{ filterOption: (typed, option) => option?.label.includes(typed) ?? false }}
          />
        </Field>
        <div className="field-row">
          <FieldGroup label={t('rule.protocol')}>
            <Radio.Group
              value={draft.protocol ?? 'tcp'}
              onChange={event => set({ protocol: event.target.value })}
              optionType="button"
              options={[
                { value: 'tcp', label: 'TCP' },
                { value: 'udp', label: 'UDP' },
                { value: 'icmp', label: t('packet.ping') },
              ]}
            />
          </FieldGroup>
          {draft.protocol !== 'icmp' && (
            <Field label={t('packet.port')} error={fieldMessage(problem, 'port')}>
              <InputNumber
                min={1}
                max={65535}
                precision={0}
                value={draft.port ? Number(draft.port) : null}
                onChange={port => set({ port: port === null ? '' : String(port) })}
              />
            </Field>
          )}
        </div>
        <Button type="primary" htmlType="submit" disabled={!complete} loading={busy}>
          {t('packet.ask')}
        </Button>
      </form>
    </Card>
  )
}

/** Every NIC, by its VM, network and address. */
function useSenders() {
  const vms = useCollection('vm').rows
  const networks = useNames('network')
  return useMemo(
    () =>
      vms
        .flatMap(vm =>
          vm.nics.map(nic => ({
            value: `${vm.id} ${nic.id}`,
            label: `${vm.name} · ${networks.name(nic.network_id)} · ${nic.address}`,
          })),
        )
        .sort((one, other) => one.label.localeCompare(other.label)),
    [vms, networks],
  )
}

/** VMs with a NIC; those whose name another one has in another project go by their ids. */
function useReceivers() {
  const vms = useCollection('vm').rows
  return useMemo(() => {
    const count = new Map<string, number>()
    for (const vm of vms) count.set(vm.name, (count.get(vm.name) ?? 0) + 1)
    return vms
      .filter(vm => vm.nics.length > 0)
      .map(vm => ({
        value: count.get(vm.name) === 1 ? vm.name : vm.id,
        label: `${vm.name} · ${vm.nics.map(nic => nic.address).join(', ')}`,
      }))
      .sort((one, other) => one.label.localeCompare(other.label))
  }, [vms])
}
