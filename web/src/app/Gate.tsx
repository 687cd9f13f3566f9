import { Button } from 'antd'
import { lazy, Suspense } from 'react'
import { useTranslation } from 'react-i18next'
import { ask } from '@/api/ask'
import { logout } from '@/api/generated'
import { asProblem } from '@/api/problem'
import { ChangePassword } from '@/features/sessions/ChangePassword'
import { Frame } from '@/features/sessions/Frame'
import { SignIn } from '@/features/sessions/SignIn'
import { ProblemAlert } from '@/ui/ProblemAlert'
import { LookMenu } from './LookMenu'
import { useMe } from './session'

const Console = lazy(() => import('./Console'))

/** The console, for who is signed in and has a password of their own; else what is to be done first. */
export function Gate() {
  const { t } = useTranslation()
  const me = useMe()
  if (me.isPending) return null
  const problem = me.error ? asProblem(me.error) : undefined
  if (problem && problem.details.status !== 401 && !me.data) {
    return (
      <Frame title="Altus" corner={<LookMenu />}>
        <ProblemAlert problem={problem} retry={() => void me.refetch()} />
      </Frame>
    )
  }
  if (!me.data || problem?.details.status === 401) return <SignIn />
  if (me.data.must_change_password) {
    return (
      <Frame title={t('password.first')} corner={<LookMenu />}>
        <p className="quiet">{t('password.first_text')}</p>
        <ChangePassword />
        <Button type="link" block onClick={() => void ask(logout()).then(() => me.refetch())}>
          {t('signout')}
        </Button>
      </Frame>
    )
  }
  return (
    <Suspense>
      <Console me={me.data} />
    </Suspense>
  )
}
