import { Input } from 'antd'
import { useState } from 'react'
import { bytes, parseSize } from './format'

interface Props {
  id?: string
  value?: number | undefined
  onChange?: (size: number | undefined) => void
  'aria-label'?: string
  placeholder?: string
}

/** A size as people write it (`512 MiB`, `10G`; a bare number is GiB); the value is in bytes. */
export function SizeInput({ value, onChange, ...rest }: Props) {
  const [text, setText] = useState(value === undefined ? '' : bytes(value))
  const wrong = text.trim() !== '' && parseSize(text) === undefined
  return (
    <Input
      {...rest}
      value={text}
      status={wrong ? 'error' : ''}
      onChange={event => {
        setText(event.target.value)
        onChange?.(parseSize(event.target.value))
      }}
      onBlur={() => value !== undefined && !wrong && setText(bytes(value))}
    />
  )
}
