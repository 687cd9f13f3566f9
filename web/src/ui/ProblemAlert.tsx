import { Alert, Button, Typography } from 'antd'
import { useTranslation } from 'react-i18next'
import type { Problem } from '@/api/problem'

interface Props {
  problem: Problem | undefined
  onClose?: () => void
  retry?: () => void
}

/** What failed, why and what to do, where it happened; it stays until it is put away. */
export function ProblemAlert({ problem, onClose, retry }: Props) {
  const { t } = useTranslation()
  if (!problem) return null
  return (
    <Alert
      className="problem"
      type="error"
      showIcon
      role="alert"
      title={problem.message}
      closable={onClose ? { onClose, 'aria-label': t('close') } : false}
      action={
        retry && (
          <Button size="small" onClick={retry}>
            {t('retry')}
          </Button>
        )
      }
      description={
        <>
          {problem.hint && <div>{problem.hint}</div>}
          <Typography.Text
            type="secondary"
            className="problem-code"
            copyable={{ text: `${problem.code} ${problem.details.request_id ?? ''}`, tooltips: false }}
          >
            {problem.code}
          </Typography.Text>
        </>
      }
    />
  )
}
