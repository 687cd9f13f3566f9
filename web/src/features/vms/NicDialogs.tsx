import { Input, Radio } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { editVm, editVmNic, type VmNicView, type VmView } from '@/api/generated'
import { useNames } from '@/api/use'
import { Field, FieldGroup } from '@/ui/Field'
import { ConfirmDialog } from '../tasks/ConfirmDialog'
import { PlanDialog, type Wrong } from '../tasks/PlanDialog'
import { NicFields } from './NicFields'
import { FIRST_NIC, isRate, type LimitDraft, type NicDraft, nicCreateOf, nicDraftOf, nicEditOf } from './nics'

export type NicAsked = { action: 'add' } | { action: 'edit' | 'link' | 'remove'; nic: VmNicView }

/** In pixels: three fields side by side, the first with a network's addresses. */
const WIDE = 640

interface Props {
  vm: VmView
  close: () => void
}

/** The dialog for what is asked of a VM's NICs. */
export function NicDialogs({ vm, asked, close }: Props & { asked: NicAsked }) {
  if (asked.action === 'add') return <AddNic vm={vm} close={close} />
  if (asked.action === 'edit') return <EditNic vm={vm} nic={asked.nic} close={close} />
  if (asked.action === 'link') return <TurnLink vm={vm} nic={asked.nic} close={close} />
  return <RemoveNic vm={vm} nic={asked.nic} close={close} />
}

function AddNic({ vm, close }: Props) {
  const { t } = useTranslation()
  const [draft, setDraft] = useState(FIRST_NIC)
  const body = { add_nics: [nicCreateOf(draft)] }
  return (
    <PlanDialog
      title={`${t('vm.add_nic')} · ${vm.name}`}
      ok={t('vm.add_nic')}
      width={WIDE}
      asked={draft.network ? JSON.stringify(body) : undefined}
      request={plan => editVm({ path: { ref: vm.id }, body, query: { plan } })}
      close={close}
    >
      {wrong => (
        <NicFields
          nic={draft}
          set={changes => setDraft({ ...draft, ...changes })}
          wrong={field => wrong(`add_nics.0.${field}`)}
        />
      )}
    </PlanDialog>
  )
}

function EditNic({ vm, nic, close }: Props & { nic: VmNicView }) {
  const { t } = useTranslation()
  const [before] = useState(nic)
  const [draft, setDraft] = useState(() => nicDraftOf(nic))
  const set = (changes: Partial<NicDraft>) => setDraft({ ...draft, ...changes })
  const body = nicEditOf(before, draft)
  return (
    <PlanDialog
      title={t('nic.edit_title', { mac: nic.mac, name: vm.name })}
      ok={t('save')}
      width={WIDE}
      asked={body && JSON.stringify(body)}
      request={plan => editVmNic({ path: { ref: vm.id, nic: nic.id }, body: body ?? {}, query: { plan } })}
      close={close}
    >
      {wrong => (
        <>
          <NicFields nic={draft} set={set} wrong={wrong} on={nic.network_id} />
          {draft.network !== nic.network_id && <p className="quiet">{t('nic.move_text')}</p>}
          <Limit label={t('nic.limit_in')} limit={draft.in} set={limit => set({ in: limit })} wrong={wrong} of="in" />
          <Limit
            label={t('nic.limit_out')}
            limit={draft.out}
            set={limit => set({ out: limit })}
            wrong={wrong}
            of="out"
          />
          <FieldGroup label={t('nic.cable')}>
            <Radio.Group
              value={draft.link}
              onChange={event => set({ link: event.target.value })}
              optionType="button"
              options={(['up', 'down'] as const).map(value => ({ value, label: t(`nic.${value}`) }))}
            />
          </FieldGroup>
        </>
      )}
    </PlanDialog>
  )
}

interface LimitProps {
  label: string
  limit: LimitDraft
  set: (limit: LimitDraft) => void
  wrong: Wrong
  of: 'in' | 'out'
}

function Limit({ label, limit, set, wrong, of }: LimitProps) {
  const { t } = useTranslation()
  const error = (field: keyof LimitDraft) =>
    isRate(limit[field]) ? wrong(`limit_${of}.${field}`) : t('form.rate', { example: '500k, 50M, 2.5G' })
  return (
    <div className="field-row field-row-top">
      <Field label={label} error={error('rate') ?? wrong(`limit_${of}`)}>
        <Input
          value={limit.rate}
          onChange={event => set({ ...limit, rate: event.target.value })}
          placeholder={t('unlimited')}
        />
      </Field>
      <Field label={t('nic.burst')} error={error('burst')}>
        <Input
          value={limit.burst}
          onChange={event => set({ ...limit, burst: event.target.value })}
          placeholder={t('nic.burst_usual')}
          disabled={limit.rate.trim() === ''}
        />
      </Field>
    </div>
  )
}

/** Its cable is plugged out, or in. */
function TurnLink({ vm, nic, close }: Props & { nic: VmNicView }) {
  const { t } = useTranslation()
  const networks = useNames('network')
  const link = nic.link === 'up' ? 'down' : 'up'
  return (
    <ConfirmDialog
      title={t(`nic.turn_${link}_title`, { network: networks.name(nic.network_id), name: vm.name })}
      ok={t(`nic.turn_${link}`)}
      close={close}
      request={plan => editVmNic({ path: { ref: vm.id, nic: nic.id }, body: { link }, query: { plan } })}
    >
      <p>{t(`nic.turn_${link}_text`)}</p>
    </ConfirmDialog>
  )
}

function RemoveNic({ vm, nic, close }: Props & { nic: VmNicView }) {
  const { t } = useTranslation()
  const networks = useNames('network')
  return (
    <ConfirmDialog
      title={t('nic.remove_title', { network: networks.name(nic.network_id), name: vm.name })}
      ok={t('remove')}
      danger
      close={close}
      request={plan => editVm({ path: { ref: vm.id }, body: { remove_nics: [nic.id] }, query: { plan } })}
    >
      <p>{t('nic.remove_text')}</p>
    </ConfirmDialog>
  )
}
