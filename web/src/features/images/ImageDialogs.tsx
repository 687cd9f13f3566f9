import { Input, Progress, Select } from 'antd'
import { useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type BuiltinImage, buildImage } from '@/api/generated'
import { asProblem, type Problem } from '@/api/problem'
import { ChangeDialog } from '@/ui/ChangeDialog'
import { Field } from '@/ui/Field'
import { bytes } from '@/ui/format'
import { useChange, useTaskLog } from '../tasks/change'
import { uploadImage } from './upload'

const BUILTIN = ['tiny', 'debian-12'] as BuiltinImage[]

export function BuildDialog({ close }: { close: () => void }) {
  const { t } = useTranslation()
  const change = useChange()
  const [image, setImage] = useState(BUILTIN[0])
  const submit = async () => {
    if (image && (await change.run(`${t('image.build')} ${image}`, () => buildImage({ body: { image } })))) close()
  }
  return (
    <ChangeDialog title={t('image.build')} ok={t('image.build')} {...change} close={close} submit={submit}>
      <p>{t('image.build_text')}</p>
      <Select
        value={image}
        onChange={setImage}
        options={BUILTIN.map(value => ({ value, label: value }))}
        aria-label={t('image')}
      />
    </ChangeDialog>
  )
}

/** A file from this computer, with how far it is; a broken connection is healed. */
export function UploadDialog({ close }: { close: () => void }) {
  const { t } = useTranslation()
  const log = useTaskLog()
  const [name, setName] = useState('')
  const [file, setFile] = useState<File>()
  const [sent, setSent] = useState<number>()
  const [problem, setProblem] = useState<Problem>()
  const stop = useRef(new AbortController())
  const pick = (chosen: File | undefined) => {
    setFile(chosen)
    if (chosen && !name)
      setName(
        chosen.name
          .replace(/\.[^.]+$/, '')
          .replace(/[^A-Za-z0-9._-]+/g, '-')
          .slice(0, 63),
      )
  }
  const submit = async () => {
    if (!file) return
    setProblem(undefined)
    setSent(0)
    const title = `${t('image.upload')} ${name}`
    try {
      log.submitted(await uploadImage(name, file, setSent, stop.current.signal), title)
      close()
    } catch (error) {
      if (stop.current.signal.aborted) return
      const told = asProblem(error)
      log.answered(title, told)
      setProblem(told)
      setSent(undefined)
    }
  }
  const leave = () => {
    stop.current.abort()
    close()
  }
  return (
    <ChangeDialog
      title={t('image.upload')}
      ok={t('image.upload')}
      disabled={!file || !name}
      busy={sent !== undefined}
      problem={problem}
      close={leave}
      submit={submit}
    >
      <Field label={t('image.choose')} hint={t('image.formats')}>
        <input type="file" className="file" onChange={event => pick(event.target.files?.[0])} />
      </Field>
      <Field label={t('name')}>
        <Input value={name} onChange={event => setName(event.target.value)} />
      </Field>
      {file && sent !== undefined && (
        <div role="status">
          <Progress percent={Math.floor((sent / Math.max(1, file.size)) * 100)} aria-label={t('image.upload')} />
          <span className="quiet">
            {bytes(sent)} / {bytes(file.size)}
          </span>
        </div>
      )}
    </ChangeDialog>
  )
}
