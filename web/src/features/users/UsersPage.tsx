import { useQueryClient } from '@tanstack/react-query'
import { Button, Dropdown } from 'antd'
import { Ellipsis, Plus } from 'lucide-react'
import { useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import {
  deleteUser,
  editUser,
  logoutUser,
  resetPassword,
  type UserSecret,
  type UserView,
  unlockUser,
} from '@/api/generated'
import { asProblem } from '@/api/problem'
import { useSession } from '@/app/session'
import { Ago } from '@/ui/Ago'
import type { Fields } from '@/ui/filter'
import { ListPage } from '@/ui/ListPage'
import { ProblemAlert } from '@/ui/ProblemAlert'
import type { Column } from '@/ui/VirtualTable'
import { useChange } from '../tasks/change'
import { RemoveDialog } from '../tasks/RemoveDialog'
import { USERS, useUsers } from './people'
import { SecretDialog, UserDialog } from './UserDialogs'

const FIELDS: Fields<UserView> = {
  '': user => [user.name, user.display_name],
  is: user => [user.enabled ? 'enabled' : 'disabled', ...(user.locked_until ? ['locked'] : [])],
}

export function UsersPage() {
  const { t } = useTranslation()
  const { may } = useSession()
  const users = useUsers()
  const client = useQueryClient()
  const change = useChange()
  const [dialog, setDialog] = useState<'new' | UserView>()
  const [secret, setSecret] = useState<UserSecret>()
  const columns = useColumns(async (user, action) => {
    if (action === 'delete') return setDialog(user)
    const done = await change.run<UserView | UserSecret | ''>(`${t(`user.do.${action}`)} ${user.name}`, () =>
      DO[action](user),
    )
    if (done && 'password' in done) setSecret(done)
    await client.invalidateQueries({ queryKey: USERS })
  })
  return (
    <>
      <ListPage
        list="users"
        title={t('users')}
        rows={users.data ?? []}
        loading={users.isPending}
        problem={users.error ? asProblem(users.error) : undefined}
        columns={columns}
        fields={FIELDS}
        suggestions={[
          { term: 'is:locked', label: t('user.locked') },
          { term: 'is:disabled', label: t('user.disabled') },
        ]}
        actions={
          may('create_user') && (
            <Button type="primary" icon={<Plus size={16} />} onClick={() => setDialog('new')}>
              {t('user.new')}
            </Button>
          )
        }
        above={<ProblemAlert problem={change.problem} onClose={change.clear} />}
        empty={t('user.none')}
      />
      {dialog === 'new' && <UserDialog made={setSecret} close={() => setDialog(undefined)} />}
      {typeof dialog === 'object' && <RemoveUser user={dialog} close={() => setDialog(undefined)} />}
      {secret && <SecretDialog secret={secret} close={() => setSecret(undefined)} />}
    </>
  )
}

function RemoveUser({ user, close }: { user: UserView; close: () => void }) {
  const { t } = useTranslation()
  const client = useQueryClient()
  const gone = () => {
    close()
    void client.invalidateQueries({ queryKey: USERS })
  }
  return (
    <RemoveDialog
      noun={t('user')}
      name={user.name}
      close={gone}
      request={() => deleteUser({ path: { ref: user.id } })}
      planned={false}
    />
  )
}

const DO = {
  enable: (user: UserView) => editUser({ path: { ref: user.id }, body: { enabled: true } }),
  disable: (user: UserView) => editUser({ path: { ref: user.id }, body: { enabled: false } }),
  unlock: (user: UserView) => unlockUser({ path: { ref: user.id } }),
  reset: (user: UserView) => resetPassword({ path: { ref: user.id } }),
  logout: (user: UserView) => logoutUser({ path: { ref: user.id } }),
}
type Action = keyof typeof DO | 'delete'

function useColumns(run: (user: UserView, action: Action) => void): Column<UserView>[] {
  const { t } = useTranslation()
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is done does not change what is shown
  return useMemo<Column<UserView>[]>(
    () => [
      {
        key: 'name',
        title: t('name'),
        width: 160,
        grow: 1,
        value: user => user.name,
        render: user => <strong>{user.name}</strong>,
      },
      {
        key: 'display',
        title: t('user.display_name'),
        width: 180,
        grow: 1,
        value: user => user.display_name,
        render: user => user.display_name,
      },
      { key: 'state', title: t('state'), width: 220, grow: 1, render: user => <UserState user={user} /> },
      {
        key: 'login',
        title: t('user.last_login'),
        width: 160,
        value: user => user.last_login_at,
        render: user => <Ago at={user.last_login_at} />,
      },
      {
        key: 'created',
        title: t('created'),
        width: 160,
        value: user => user.created_at,
        render: user => <Ago at={user.created_at} />,
      },
      {
        key: 'do',
        title: t('actions'),
        width: 90,
        render: user => {
          const actions: Action[] = [
            user.enabled ? 'disable' : 'enable',
            ...(user.locked_until ? (['unlock'] as const) : []),
            'reset',
            'logout',
            ...(user.builtin ? [] : (['delete'] as const)),
          ]
          const items = actions.map(key => ({ key, label: t(`user.do.${key}`), danger: key === 'delete' }))
          return (
            <Dropdown trigger={['click']} menu={{ items, onClick: ({ key }) => run(user, key as Action) }}>
              <Button size="small" icon={<Ellipsis size={15} />} aria-label={t('user.actions', { name: user.name })} />
            </Dropdown>
          )
        },
      },
    ],
    [t],
  )
}

function UserState({ user }: { user: UserView }) {
  const { t } = useTranslation()
  if (!user.enabled) return <span className="state state-quiet">{t('user.disabled')}</span>
  if (user.locked_until) return <span className="state state-warning">{t('user.locked')}</span>
  return <span className="state state-good">{user.must_change_password ? t('user.one_time') : t('user.enabled')}</span>
}
