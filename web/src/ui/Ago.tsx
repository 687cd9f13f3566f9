import { useTranslation } from 'react-i18next'
import { ago, dateTime } from './format'

/** When it was, for people; the exact time shows under the pointer. */
export function Ago({ at }: { at: string | null | undefined }) {
  const { i18n } = useTranslation()
  if (!at) return null
  return (
    <time dateTime={at} title={dateTime(at, i18n.language)}>
      {ago(at, i18n.language)}
    </time>
  )
}
