import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { createVolume, resizeVolume, type VolumeView } from '@/api/generated'
import { fieldMessage } from '@/api/problem'
import { ChangeDialog } from '@/ui/ChangeDialog'
import { Field, NameField } from '@/ui/Field'
import { bytes } from '@/ui/format'
import { SizeInput } from '@/ui/SizeInput'
import { useChange } from '../tasks/change'

export function VolumeDialog({ close }: { close: () => void }) {
  const { t } = useTranslation()
  const change = useChange()
  const [name, setName] = useState('')
  const [size, setSize] = useState<number>()
  const submit = async () => {
    if (size && (await change.run(`${t('volume.new')} ${name}`, () => createVolume({ body: { name, size } })))) close()
  }
  return (
    <ChangeDialog
      title={t('volume.new')}
      ok={t('create')}
      disabled={!name || !size}
      {...change}
      close={close}
      submit={submit}
    >
      <NameField value={name} onChange={setName} error={fieldMessage(change.problem, 'name')} />
      <Field label={t('size')} error={fieldMessage(change.problem, 'size')}>
        <SizeInput value={size} onChange={setSize} placeholder="10 GiB" />
      </Field>
    </ChangeDialog>
  )
}

export function GrowDialog({ volume, close }: { volume: VolumeView; close: () => void }) {
  const { t } = useTranslation()
  const change = useChange()
  const [size, setSize] = useState<number | undefined>(volume.size)
  const submit = async () => {
    if (
      size &&
      (await change.run(`${t('volume.grow')} ${volume.name}`, () =>
        resizeVolume({ path: { ref: volume.id }, body: { size } }),
      ))
    )
      close()
  }
  return (
    <ChangeDialog
      title={`${t('volume.grow')} ${volume.name}`}
      ok={t('volume.grow')}
      disabled={!size || size <= volume.size}
      {...change}
      close={close}
      submit={submit}
    >
      <Field
        label={t('volume.new_size')}
        error={fieldMessage(change.problem, 'size')}
        hint={t('volume.now', { size: bytes(volume.size) })}
      >
        <SizeInput value={size} onChange={setSize} />
      </Field>
    </ChangeDialog>
  )
}
