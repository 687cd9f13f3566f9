import { Input, InputNumber } from 'antd'
import { Fragment } from 'react'
import { useTranslation } from 'react-i18next'
import { excluded, isLimit, LIMIT_KINDS, type LimitKind, type LimitsDraft, type RateDraft } from './diskLimits'

/** How fast a disk may be, of each kind: a table of fields. */
export function LimitFields({ draft, set }: { draft: LimitsDraft; set: (draft: LimitsDraft) => void }) {
  const { t } = useTranslation()
  return (
    <div className="limits">
      <span />
      <span className="quiet">{t('disk.rate')}</span>
      <span className="quiet">{t('disk.burst')}</span>
      <span className="quiet">{t('disk.seconds')}</span>
      {LIMIT_KINDS.map(kind => (
        <Fragment key={kind}>
          <span>{t(`disk.${kind}`)}</span>
          <Rate
            kind={kind}
            rate={draft[kind]}
            off={excluded(draft, kind)}
            set={changes => set({ ...draft, [kind]: { ...draft[kind], ...changes } })}
          />
        </Fragment>
      ))}
    </div>
  )
}

interface RateProps {
  kind: LimitKind
  rate: RateDraft
  off: boolean
  set: (changes: Partial<RateDraft>) => void
}

function Rate({ kind, rate, off, set }: RateProps) {
  const { t } = useTranslation()
  const label = (what: 'rate' | 'burst' | 'seconds') => `${t(`disk.${kind}`)}: ${t(`disk.${what}`)}`
  const input = (field: 'rate' | 'burst', disabled: boolean, placeholder: string) => (
    <Input
      aria-label={label(field)}
      value={rate[field]}
      onChange={event => set({ [field]: event.target.value })}
      status={isLimit(kind, rate[field]) ? '' : 'error'}
      disabled={disabled}
      placeholder={placeholder}
    />
  )
  return (
    <>
      {input('rate', off, t('unlimited'))}
      {input('burst', off || rate.rate === '', t('disk.no_burst'))}
      <InputNumber
        aria-label={label('seconds')}
        min={1}
        max={3600}
        precision={0}
        value={rate.seconds}
        onChange={seconds => set({ seconds })}
        disabled={off || rate.burst === ''}
        placeholder="1"
      />
    </>
  )
}
