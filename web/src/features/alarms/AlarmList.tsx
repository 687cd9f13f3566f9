import { Link } from '@tanstack/react-router'
import { CircleCheck, TriangleAlert } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import type { AlarmView } from '@/api/generated'
import { useCollection, useNames } from '@/api/use'
import { Ago } from '@/ui/Ago'
import { ProblemAlert } from '@/ui/ProblemAlert'

/** What is not as it should be, with what to do about it. */
export function AlarmList() {
  const { t } = useTranslation()
  const { rows, problem, retry } = useCollection('alarm')
  const hosts = useNames('host')
  if (problem) return <ProblemAlert problem={problem} retry={retry} />
  if (rows.length === 0) {
    return (
      <p className="all-well">
        <CircleCheck size={18} className="tone-good" aria-hidden /> {t('alarm.none')}
      </p>
    )
  }
  return (
    <ul className="alarms">
      {rows.map(alarm => (
        <li key={alarm.id}>
          <TriangleAlert size={16} className="tone-bad" aria-hidden />
          <div>
            <div>{alarm.message}</div>
            <div className="quiet">{alarm.hint}</div>
            <div className="quiet">
              <span className="mono">{alarm.kind}</span> · <About alarm={alarm} /> {hosts.name(alarm.host_id)} ·{' '}
              <Ago at={alarm.since} />
            </div>
          </div>
        </li>
      ))}
    </ul>
  )
}

function About({ alarm }: { alarm: AlarmView }) {
  const { t } = useTranslation()
  if (alarm.noun === 'vm')
    return (
      <>
        <Link to="/vms/$id" params={{ id: alarm.object_id }}>
          {t('alarm.look')}
        </Link>{' '}
        ·{' '}
      </>
    )
  if (alarm.noun === 'host')
    return (
      <>
        <Link to="/hosts/$id" params={{ id: alarm.object_id }}>
          {t('alarm.look')}
        </Link>{' '}
        ·{' '}
      </>
    )
  return null
}
