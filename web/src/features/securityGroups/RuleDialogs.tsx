import { Checkbox, Input, InputNumber, Radio, Select } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { editSecurityGroup, type SecurityGroupView, type SecurityRuleView } from '@/api/generated'
import { useCollection } from '@/api/use'
import { Field, FieldGroup } from '@/ui/Field'
import { ConfirmDialog } from '../tasks/ConfirmDialog'
import { PlanDialog, type Wrong } from '../tasks/PlanDialog'
import { draftOf, FIRST_RULE, hasPorts, type RuleDraft, ruleOf, USUAL_PRIORITY } from './rules'

const MOST_PRIORITY = 500

export type RuleAsked =
  | { action: 'add'; direction: RuleDraft['direction'] }
  | { action: 'edit' | 'remove'; rule: SecurityRuleView }

/** The dialog for what is asked of a group's rules. */
export function RuleDialogs({
  group,
  asked,
  close,
}: {
  group: SecurityGroupView
  asked: RuleAsked
  close: () => void
}) {
  const { t } = useTranslation()
  if (asked.action === 'add') {
    return <RuleDialog group={group} first={{ ...FIRST_RULE, direction: asked.direction }} close={close} />
  }
  if (asked.action === 'edit') {
    return <RuleDialog group={group} first={draftOf(asked.rule)} replaced={asked.rule.id} close={close} />
  }
  return (
    <ConfirmDialog
      title={t('rule.remove_title', { group: group.name })}
      ok={t('remove')}
      danger
      close={close}
      request={plan =>
        editSecurityGroup({ path: { ref: group.id }, body: { remove_rules: [asked.rule.id] }, query: { plan } })
      }
    >
      <p>{t('rule.remove_text')}</p>
    </ConfirmDialog>
  )
}

interface Props {
  group: SecurityGroupView
  first: RuleDraft
  /** The rule in whose place it comes. */
  replaced?: string
  close: () => void
}

/** A new rule, or another one in a rule's place: one change, so that members are never without it. */
function RuleDialog({ group, first, replaced, close }: Props) {
  const { t } = useTranslation()
  const [draft, setDraft] = useState(first)
  const set = (changes: Partial<RuleDraft>) => setDraft({ ...draft, ...changes })
  const rule = ruleOf(draft)
  const body = { add_rules: rule ? [rule] : [], ...(replaced ? { remove_rules: [replaced] } : {}) }
  return (
    <PlanDialog
      title={replaced ? t('rule.edit_title', { group: group.name }) : t('rule.new_title', { group: group.name })}
      ok={replaced ? t('save') : t('rule.add')}
      asked={rule && JSON.stringify(body)}
      request={plan => editSecurityGroup({ path: { ref: group.id }, body, query: { plan } })}
      close={close}
    >
      {wrong => {
        const parts = { draft, set, wrong: (field: string) => wrong(`add_rules.0.${field}`) }
        return (
          <>
            <What {...parts} />
            <OtherEnd {...parts} />
            <More {...parts} />
          </>
        )
      }}
    </PlanDialog>
  )
}

interface PartProps {
  draft: RuleDraft
  set: (changes: Partial<RuleDraft>) => void
  wrong: Wrong
}

function What({ draft, set, wrong }: PartProps) {
  const { t } = useTranslation()
  return (
    <>
      <div className="field-row">
        <FieldGroup label={t('rule.direction')}>
          <Radio.Group
            value={draft.direction}
            onChange={event => set({ direction: event.target.value })}
            optionType="button"
            options={(['in', 'out'] as const).map(value => ({ value, label: t(`rule.${value}`) }))}
          />
        </FieldGroup>
        <FieldGroup label={t('rule.action')}>
          <Radio.Group
            value={draft.action}
            onChange={event => set({ action: event.target.value })}
            optionType="button"
            options={(['allow', 'drop', 'reject'] as const).map(value => ({ value, label: t(`rule.${value}`) }))}
          />
        </FieldGroup>
      </div>
      <div className="field-row">
        <Field label={t('rule.protocol')}>
          <Select
            value={draft.protocol}
            onChange={protocol => set({ protocol })}
            options={[
              { value: 'any', label: t('rule.any') },
              ...(['tcp', 'udp', 'icmp'] as const).map(value => ({ value, label: value.toUpperCase() })),
            ]}
          />
        </Field>
        {hasPorts(draft.protocol) && (
          <>
            <Field label={t('rule.first_port')} error={wrong('first_port')}>
              <InputNumber
                min={1}
                max={65535}
                precision={0}
                value={draft.first}
                onChange={first => set({ first })}
                placeholder={t('rule.all_ports')}
              />
            </Field>
            <Field label={t('rule.last_port')} error={wrong('last_port')}>
              <InputNumber
                min={1}
                max={65535}
                precision={0}
                value={draft.last}
                onChange={last => set({ last })}
                placeholder={draft.first === null ? '' : String(draft.first)}
              />
            </Field>
          </>
        )}
        {draft.protocol === 'icmp' && (
          <Field label={t('rule.icmp_type')} error={wrong('icmp_type')}>
            <InputNumber
              min={0}
              max={255}
              precision={0}
              value={draft.icmpType}
              onChange={icmpType => set({ icmpType })}
              placeholder={t('rule.any')}
            />
          </Field>
        )}
      </div>
    </>
  )
}

function OtherEnd({ draft, set, wrong }: PartProps) {
  const { t } = useTranslation()
  const groups = useCollection('security_group').rows
  return (
    <div className="field-row">
      <Field label={t(draft.direction === 'in' ? 'rule.from' : 'rule.to')}>
        <Select
          value={draft.other}
          onChange={other => set({ other })}
          options={(['anywhere', 'cidr', 'group'] as const).map(value => ({ value, label: t(`rule.other_${value}`) }))}
        />
      </Field>
      {draft.other === 'cidr' && (
        <Field label={t('rule.cidr')} error={wrong('cidr')}>
          <Input
            value={draft.cidr}
            onChange={event => set({ cidr: event.target.value.trim() })}
            placeholder="10.0.0.0/8"
          />
        </Field>
      )}
      {draft.other === 'group' && (
        <Field label={t('security_group')} error={wrong('group')}>
          <Select
            value={draft.group || undefined}
            onChange={group => set({ group })}
            options={groups.map(({ id, name }) => ({ value: id, label: name }))}
            showSearch={{ optionFilterProp: 'label' }}
          />
        </Field>
      )}
    </div>
  )
}

function More({ draft, set, wrong }: PartProps) {
  const { t } = useTranslation()
  return (
    <>
      <div className="field-row field-row-top">
        <Field label={t('rule.priority')} hint={t('rule.priority_hint')} error={wrong('priority')}>
          <InputNumber
            min={1}
            max={MOST_PRIORITY}
            precision={0}
            value={draft.priority}
            onChange={priority => set({ priority: priority ?? USUAL_PRIORITY })}
          />
        </Field>
        <Field label={t('description')} error={wrong('description')}>
          <Input value={draft.description} onChange={event => set({ description: event.target.value })} />
        </Field>
      </div>
      <Checkbox checked={draft.log} onChange={event => set({ log: event.target.checked })}>
        {t('rule.log')}
      </Checkbox>
    </>
  )
}
