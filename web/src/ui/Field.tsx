import { Input, Select } from 'antd'
import { type ReactNode, useId } from 'react'
import { useTranslation } from 'react-i18next'

interface Props {
  label: string
  error?: string | undefined
  hint?: string
  children: ReactNode
}

/** A question with its field, and what the API says is wrong with the answer. */
export function Field({ label, error, hint, children }: Props) {
  return (
    <label className="field">
      <span>{label}</span>
      {children}
      {error ? (
        <small className="tone-bad" role="alert">
          {error}
        </small>
      ) : (
        hint && <small className="quiet">{hint}</small>
      )}
    </label>
  )
}

/** A question whose answers are several fields, such as radio buttons: each has its own label. */
export function FieldGroup({ label, children }: { label: string; children: ReactNode }) {
  const id = useId()
  return (
    <div className="field" role="group" aria-labelledby={id}>
      <span id={id}>{label}</span>
      {children}
    </div>
  )
}

interface NameProps {
  value: string
  onChange: (name: string) => void
  error?: string | undefined
}

/** The name of what a dialog is about: it is typed first. */
export function NameField({ value, onChange, error }: NameProps) {
  const { t } = useTranslation()
  return (
    <Field label={t('name')} error={error}>
      <Input value={value} onChange={event => onChange(event.target.value)} autoFocus />
    </Field>
  )
}

interface TagsProps {
  value: string[]
  onChange: (tags: string[]) => void
}

/** Tags, typed one after the other. */
function TagsInput(props: TagsProps) {
  return <Select mode="tags" tokenSeparators={[' ', ',']} open={false} suffixIcon={null} {...props} />
}

/** `wrong` says what the API finds wrong with a field. */
export function TagsField({ wrong, ...input }: TagsProps & { wrong: (field: string) => string | undefined }) {
  const { t } = useTranslation()
  return (
    <Field label={t('tags')} error={wrong('tags') ?? wrong('tags.0')}>
      <TagsInput {...input} />
    </Field>
  )
}
