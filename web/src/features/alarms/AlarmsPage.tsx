import { Button } from 'antd'
import { Stethoscope } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { ask } from '@/api/ask'
import { type DoctorView, examine } from '@/api/generated'
import { asProblem, type Problem } from '@/api/problem'
import { useSession } from '@/app/session'
import { Card, Page } from '@/ui/Page'
import { ProblemAlert } from '@/ui/ProblemAlert'
import { AlarmList } from './AlarmList'

export function AlarmsPage() {
  const { t } = useTranslation()
  const { may } = useSession()
  const [found, setFound] = useState<DoctorView>()
  const [problem, setProblem] = useState<Problem>()
  const [busy, setBusy] = useState(false)
  const look = async () => {
    setBusy(true)
    setProblem(undefined)
    await ask(examine()).then(setFound, error => setProblem(asProblem(error)))
    setBusy(false)
  }
  return (
    <Page
      title={t('alarms')}
      intro={t('alarm.intro')}
      actions={
        may('examine') && (
          <Button icon={<Stethoscope size={15} />} loading={busy} onClick={look}>
            {t('doctor')}
          </Button>
        )
      }
    >
      <ProblemAlert problem={problem} onClose={() => setProblem(undefined)} />
      {found && (
        <Card title={t('doctor')}>
          <p>{found.healthy ? t('doctor.healthy') : t('doctor.findings', { count: found.findings.length })}</p>
          <p className="quiet">
            {Object.entries(found.checked)
              .map(([noun, count]) => `${count} ${noun}`)
              .join(' · ')}
          </p>
          <ul>
            {found.findings.map(finding => (
              <li key={`${finding.kind} ${finding.object_id}`}>
                {finding.message} <span className="quiet">{finding.hint}</span>
              </li>
            ))}
          </ul>
        </Card>
      )}
      <Card>
        <AlarmList />
      </Card>
    </Page>
  )
}
