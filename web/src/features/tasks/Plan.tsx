import { Spin } from 'antd'
import { Check, CircleSlash, Lock } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import type { PlanView, VerdictView } from '@/api/generated'
import type { Problem } from '@/api/problem'
import { ProblemAlert } from '@/ui/ProblemAlert'

interface Props {
  plan: PlanView | undefined
  problem: Problem | undefined
  loading: boolean
}

/** What would be done, step by step, and where: shown before it is. */
export function Plan({ plan, problem, loading }: Props) {
  const { t } = useTranslation()
  if (problem) return <ProblemAlert problem={problem} />
  if (!plan) return loading ? <Spin /> : null
  const verdicts = plan.details.placement as VerdictView[] | undefined
  return (
    <div className="plan" aria-busy={loading}>
      {Array.isArray(verdicts) && verdicts.length > 0 && (
        <section>
          <h3>{t('plan.where')}</h3>
          <Verdicts verdicts={verdicts} />
        </section>
      )}
      <section>
        <h3>{t('plan.steps')}</h3>
        <ol className="plan-steps">
          {plan.steps.map(step => (
            <li key={step.name}>
              {step.title}
              {!step.undoable && (
                <span className="plan-final">
                  <Lock size={12} aria-hidden /> {t('plan.final')}
                </span>
              )}
            </li>
          ))}
        </ol>
      </section>
      {plan.waits_for.length > 0 && <p className="quiet">{t('plan.waits', { count: plan.waits_for.length })}</p>}
    </div>
  )
}

/** What is thought of every host, with the reasons. */
export function Verdicts({ verdicts }: { verdicts: VerdictView[] }) {
  const { t } = useTranslation()
  return (
    <ul className="verdicts">
      {verdicts.map(verdict => (
        <li key={`${verdict.host_id} ${verdict.storage_id}`} className={verdict.chosen ? 'verdict-chosen' : undefined}>
          {verdict.suitable ? (
            <Check size={15} className="tone-good" aria-hidden />
          ) : (
            <CircleSlash size={15} className="tone-bad" aria-hidden />
          )}
          <div>
            <strong>
              {verdict.host_name} <span className="quiet">{verdict.storage_name}</span>
            </strong>
            {verdict.chosen && <span className="verdict-mark">{t('plan.chosen')}</span>}
            <div className="quiet">{verdict.reasons.join(' · ')}</div>
          </div>
        </li>
      ))}
    </ul>
  )
}
