import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Button, Input, Select } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { ask } from '@/api/ask'
import { createToken, listSessions, listTokens, revokeSession, revokeToken, type TokenCreated } from '@/api/generated'
import { useSession } from '@/app/session'
import { Ago } from '@/ui/Ago'
import { Card, Empty, Facts, Page } from '@/ui/Page'
import { ProblemAlert } from '@/ui/ProblemAlert'
import { ChangePassword } from '../sessions/ChangePassword'
import { useChange } from '../tasks/change'
import { SecretDialog } from './UserDialogs'

/** One's own password, sessions and API tokens. */
export function AccountPage() {
  const { t } = useTranslation()
  const { me } = useSession()
  const [changed, setChanged] = useState(0)
  return (
    <Page title={t('account')}>
      <div className="grid">
        <Card title={me.name}>
          <Facts
            rows={[
              [t('user.display_name'), me.display_name],
              [t('duty'), me.duty ? t(`duty.name.${me.duty}`) : t('duty.none')],
              [
                'ID',
                <span key="i" className="mono">
                  {me.account_id}
                </span>,
              ],
            ]}
          />
        </Card>
        <Card title={t('password.title')}>
          {changed > 0 && (
            <p className="tone-good" role="status">
              {t('password.done')}
            </p>
          )}
          <ChangePassword key={changed} done={() => setChanged(count => count + 1)} />
        </Card>
        <Tokens />
        <Sessions />
      </div>
    </Page>
  )
}

function Tokens() {
  const { t } = useTranslation()
  const client = useQueryClient()
  const change = useChange()
  const tokens = useQuery({ queryKey: ['tokens'], queryFn: async () => (await ask(listTokens())).items })
  const [name, setName] = useState('')
  const [expires, setExpires] = useState('90d')
  const [made, setMade] = useState<TokenCreated>()
  const fresh = () => client.invalidateQueries({ queryKey: ['tokens'] })
  const create = async () => {
    const token = await change.run<TokenCreated>(`${t('token.new')} ${name}`, () =>
      createToken({ body: { name, expires_in: expires } }),
    )
    if (token) setMade(token)
    await fresh()
  }
  return (
    <Card title={t('tokens')}>
      <ProblemAlert problem={change.problem} onClose={change.clear} />
      {tokens.data?.length === 0 && <Empty>{t('token.none')}</Empty>}
      <ul className="devices">
        {tokens.data?.map(token => (
          <li key={token.id}>
            <strong>{token.name}</strong>
            <span className="quiet">
              {token.expires_at && (
                <>
                  {t('token.ends')} <Ago at={token.expires_at} />
                </>
              )}
            </span>
            <span className="quiet">
              {token.last_used_at && (
                <>
                  {t('token.used')} <Ago at={token.last_used_at} />
                </>
              )}
            </span>
            <Button
              size="small"
              onClick={() =>
                change
                  .run(`${t('token.revoke')} ${token.name}`, () => revokeToken({ path: { ref: token.id } }))
                  .then(fresh)
              }
            >
              {t('token.revoke')}
            </Button>
          </li>
        ))}
      </ul>
      <div className="field-row">
        <Input
          value={name}
          onChange={event => setName(event.target.value)}
          placeholder={t('name')}
          aria-label={t('token.new')}
        />
        <Select
          value={expires}
          onChange={setExpires}
          options={['7d', '30d', '90d', '365d'].map(value => ({ value, label: value }))}
          aria-label={t('token.ends')}
        />
        <Button disabled={!name} onClick={create}>
          {t('token.new')}
        </Button>
      </div>
      {made && <SecretDialog secret={made} close={() => setMade(undefined)} />}
    </Card>
  )
}

function Sessions() {
  const { t } = useTranslation()
  const client = useQueryClient()
  const change = useChange()
  const sessions = useQuery({ queryKey: ['sessions'], queryFn: async () => (await ask(listSessions())).items })
  return (
    <Card title={t('sessions')}>
      <ProblemAlert problem={change.problem} onClose={change.clear} />
      <ul className="devices">
        {sessions.data?.map(session => (
          <li key={session.id}>
            <strong className="mono">{session.source}</strong>
            <span className="quiet">
              {t('session.seen')} <Ago at={session.last_seen_at} />
            </span>
            <Button
              size="small"
              onClick={() =>
                change
                  .run(t('session.end'), () => revokeSession({ path: { ref: session.id } }))
                  .then(() => client.invalidateQueries({ queryKey: ['sessions'] }))
              }
            >
              {t('session.end')}
            </Button>
          </li>
        ))}
      </ul>
    </Card>
  )
}
