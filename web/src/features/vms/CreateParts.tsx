import { Button, Checkbox, Input, InputNumber, Radio, Select } from 'antd'
import { Plus, Trash2 } from 'lucide-react'
import { useEffect } from 'react'
import { useTranslation } from 'react-i18next'
import { fieldMessage, type Problem } from '@/api/problem'
import { useCollection } from '@/api/use'
import { Field, TagsField } from '@/ui/Field'
import { bytes } from '@/ui/format'
import { SizeInput } from '@/ui/SizeInput'
import { type Draft, type DraftNic, withNic } from './draft'
import { LimitFields } from './LimitFields'
import { NicFields } from './NicFields'

interface Props {
  draft: Draft
  set: (changes: Partial<Draft>) => void
  problem: Problem | undefined
}

export function Identity({ draft, set, problem }: Props) {
  const { t } = useTranslation()
  const projects = useCollection('project').rows
  return (
    <>
      <div className="field-row">
        <Field label={t('name')} error={fieldMessage(problem, 'name')}>
          <Input
            value={draft.name}
            onChange={event => set({ name: event.target.value.trim() })}
            autoFocus
            maxLength={63}
          />
        </Field>
        {projects.length > 1 && (
          <Field label={t('project')}>
            <Select
              allowClear
              value={draft.project}
              onChange={project => set({ project })}
              options={projects.map(({ id, name }) => ({ value: id, label: name }))}
            />
          </Field>
        )}
      </div>
      <Field label={t('description')} error={fieldMessage(problem, 'description')}>
        <Input value={draft.description} onChange={event => set({ description: event.target.value })} />
      </Field>
      <TagsField value={draft.tags} onChange={tags => set({ tags })} wrong={field => fieldMessage(problem, field)} />
    </>
  )
}

export function Source({ draft, set, problem }: Props) {
  const { t } = useTranslation()
  const ready = useCollection('image').rows.filter(image => image.state === 'ready')
  const images = ready.filter(image => image.source_format !== 'iso')
  const mediums = ready.filter(image => image.source_format === 'iso')
  const options = (some: typeof ready) =>
    some.map(({ id, name, size }) => ({ value: id, label: `${name} · ${bytes(size)}` }))
  const first = images[0]?.id
  useEffect(() => {
    if (first && images.length === 1 && !draft.image) set({ image: first })
  }, [first, images.length, draft.image, set])
  return (
    <>
      <Radio.Group
        value={draft.source}
        onChange={event => set({ source: event.target.value })}
        optionType="button"
        options={(['image', 'cdrom', 'empty'] as const).map(value => ({ value, label: t(`wizard.from_${value}`) }))}
      />
      {draft.source === 'image' && (
        <Field label={t('image')} error={fieldMessage(problem, 'image')}>
          <Select
            value={draft.image}
            onChange={image => set({ image })}
            options={options(images)}
            placeholder={images.length === 0 ? t('image.none') : t('wizard.choose_image')}
            showSearch={{ optionFilterProp: 'label' }}
          />
        </Field>
      )}
      {draft.source === 'cdrom' && (
        <Field label={t('wizard.medium')}>
          <Select
            value={draft.cdrom}
            onChange={cdrom => set({ cdrom })}
            options={options(mediums)}
            placeholder={mediums.length === 0 ? t('wizard.no_medium') : ''}
          />
        </Field>
      )}
      <div className="field-row">
        <Field
          label={t('wizard.disk_size')}
          error={fieldMessage(problem, 'disk_size')}
          hint={draft.source === 'image' ? t('wizard.as_image') : t('wizard.no_disk')}
        >
          <SizeInput onChange={diskSize => set({ diskSize })} placeholder="10 GiB" />
        </Field>
        {draft.source === 'image' && (
          <Checkbox checked={draft.linked} onChange={event => set({ linked: event.target.checked })}>
            {t('vm.linked')}
          </Checkbox>
        )}
      </div>
      <details>
        <summary>{t('disk.limits')}</summary>
        <p className="quiet">{t('disk.limit_text')}</p>
        <LimitFields draft={draft.limits} set={limits => set({ limits })} />
      </details>
    </>
  )
}

export function Hardware({ draft, set, problem }: Props) {
  const { t } = useTranslation()
  return (
    <div className="field-row">
      <Field label={t('vm.vcpus')} error={fieldMessage(problem, 'vcpus')}>
        <InputNumber
          min={1}
          max={128}
          precision={0}
          value={draft.vcpus}
          onChange={vcpus => set({ vcpus: vcpus ?? 1 })}
        />
      </Field>
      <Field label={t('memory')} error={fieldMessage(problem, 'memory')}>
        <SizeInput value={draft.memory} onChange={memory => set({ memory })} />
      </Field>
      <Field label={t('vm.firmware')}>
        <Select
          value={draft.firmware}
          onChange={firmware => set({ firmware })}
          options={[
            { value: 'bios', label: 'BIOS' },
            { value: 'uefi', label: 'UEFI' },
          ]}
        />
      </Field>
    </div>
  )
}

export function Networks({ draft, set, problem }: Props) {
  const { t } = useTranslation()
  const change = (key: number, changes: Partial<DraftNic>) =>
    set({ nics: draft.nics.map(nic => (nic.key === key ? { ...nic, ...changes } : nic)) })
  return (
    <>
      {draft.nics.length === 0 && <p className="quiet">{t('wizard.no_nics')}</p>}
      <ul className="parts" aria-label={t('wizard.networks')}>
        {draft.nics.map((nic, at) => (
          <li key={nic.key}>
            <div className="part-head">
              <strong>{t('wizard.nic', { number: at + 1 })}</strong>
              <span className="row-actions part-do">
                <Button
                  size="small"
                  icon={<Trash2 size={14} />}
                  onClick={() => set({ nics: draft.nics.filter(other => other.key !== nic.key) })}
                >
                  {t('remove')}
                </Button>
              </span>
            </div>
            <NicFields
              nic={nic}
              set={changes => change(nic.key, changes)}
              wrong={field => fieldMessage(problem, `nics.${at}.${field}`)}
            />
          </li>
        ))}
      </ul>
      <Button icon={<Plus size={15} />} onClick={() => set({ nics: withNic(draft.nics) })}>
        {t('vm.add_nic')}
      </Button>
    </>
  )
}

export function FirstBoot({ draft, set, problem }: Props) {
  const { t } = useTranslation()
  return (
    <>
      <Field
        label={t('wizard.ssh_keys')}
        error={fieldMessage(problem, 'cloud_init.ssh_keys.0')}
        hint={t('wizard.ssh_hint')}
      >
        <Input.TextArea
          value={draft.sshKeys}
          onChange={event => set({ sshKeys: event.target.value })}
          rows={2}
          spellCheck={false}
        />
      </Field>
      <Field label={t('wizard.password')}>
        <Input.Password
          value={draft.password}
          onChange={event => set({ password: event.target.value })}
          autoComplete="new-password"
        />
      </Field>
      <Field label={t('wizard.user_data')}>
        <Input.TextArea
          className="mono"
          value={draft.userData}
          onChange={event => set({ userData: event.target.value })}
          rows={2}
          spellCheck={false}
          placeholder="#cloud-config"
        />
      </Field>
    </>
  )
}
