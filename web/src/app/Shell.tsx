import { Link, Outlet, useRouterState } from '@tanstack/react-router'
import { Badge, Button, Dropdown } from 'antd'
import { Bell, CircleUser, LogOut, Search, WifiOff } from 'lucide-react'
import { lazy, Suspense, useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useCollection } from '@/api/use'
import { LogDrawer } from '@/features/tasks/LogDrawer'
import { LookMenu } from './LookMenu'
import { placesFor } from './navigation'
import { useSession } from './session'

const loadPalette = () => import('./CommandPalette')
const CommandPalette = lazy(loadPalette)

/** Around every page: where one can go, what is searched for, what is under way. */
export function Shell() {
  const { t } = useTranslation()
  const [palette, setPalette] = useState(false)
  const main = useRef<HTMLElement>(null)
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== 'k') return
      event.preventDefault()
      setPalette(open => !open)
    }
    addEventListener('keydown', onKey)
    void loadPalette() // there when the keys are pressed
    return () => removeEventListener('keydown', onKey)
  }, [])
  return (
    <div className="shell">
      <button type="button" className="skip" onClick={() => main.current?.focus()}>
        {t('skip')}
      </button>
      <Rail />
      <div className="stage">
        <TopBar search={() => setPalette(true)} />
        <LostLink />
        <main ref={main} id="main" className="main" tabIndex={-1}>
          <Outlet />
        </main>
      </div>
      <Suspense>{palette && <CommandPalette close={() => setPalette(false)} />}</Suspense>
    </div>
  )
}

function Rail() {
  const { t } = useTranslation()
  const { may } = useSession()
  const path = useRouterState({ select: state => state.location.pathname })
  return (
    <nav className="rail" aria-label={t('nav')}>
      <Link to="/" className="brand">
        <img src="/icon.svg" alt="" width={28} height={28} />
        <span>Altus</span>
      </Link>
      {placesFor(may).map(group => (
        <div key={group.text} className="rail-group">
          <h2>{t(group.text)}</h2>
          {group.places.map(({ to, text, icon: Icon }) => {
            const here = to === '/' ? path === '/' : path.startsWith(to)
            return (
              <Link
                key={to}
                to={to}
                className={here ? 'rail-link rail-here' : 'rail-link'}
                aria-current={here ? 'page' : undefined}
              >
                <Icon size={17} aria-hidden />
                <span>{t(text)}</span>
              </Link>
            )
          })}
        </div>
      ))}
    </nav>
  )
}

function TopBar({ search }: { search: () => void }) {
  const { t } = useTranslation()
  const { may } = useSession()
  return (
    <header className="top">
      <button type="button" className="top-search" onClick={search}>
        <Search size={15} aria-hidden />
        <span>{t('search')}</span>
        <kbd>Ctrl K</kbd>
      </button>
      <div className="top-right">
        {may('list_alarms') && <AlarmBell />}
        <LogDrawer />
        <LookMenu />
        <Me />
      </div>
    </header>
  )
}

function AlarmBell() {
  const { t } = useTranslation()
  const { rows } = useCollection('alarm')
  return (
    <Badge count={rows.length} size="small" offset={[-4, 4]}>
      <Link to="/alarms" className="top-link" aria-label={t('alarm.count', { count: rows.length })} title={t('alarms')}>
        <Bell size={18} />
      </Link>
    </Badge>
  )
}

function Me() {
  const { t } = useTranslation()
  const { me, signOut } = useSession()
  const items = [
    { key: 'account', label: <Link to="/account">{t('account')}</Link>, icon: <CircleUser size={15} /> },
    { key: 'out', label: t('signout'), icon: <LogOut size={15} />, onClick: () => void signOut() },
  ]
  return (
    <Dropdown trigger={['click']} menu={{ items }}>
      <Button type="text" className="top-button" icon={<CircleUser size={18} />}>
        {me.display_name || me.name}
      </Button>
    </Dropdown>
  )
}

function LostLink() {
  const { t } = useTranslation()
  const { link } = useSession()
  return (
    <div role="status">
      {link === 'lost' && (
        <div className="lost">
          <WifiOff size={15} aria-hidden /> {t('lost')}
        </div>
      )}
    </div>
  )
}
