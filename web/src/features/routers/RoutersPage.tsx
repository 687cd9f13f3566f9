import { Button } from 'antd'
import { Plus, Trash2, Unplug } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { RouterView } from '@/api/generated'
import { useCollection, useNames } from '@/api/use'
import { useSession } from '@/app/session'
import { ActionButton } from '@/ui/ActionButton'
import { Card, Empty, Page } from '@/ui/Page'
import { ProblemAlert } from '@/ui/ProblemAlert'
import { StateMark } from '@/ui/StateMark'
import { NetworkLink } from '../networks/links'
import { JoinDialog, LeaveDialog, RemoveRouter, RouterDialog } from './RouterDialogs'

type Asked =
  | { action: 'create' }
  | { action: 'join' | 'delete'; router: RouterView }
  | { action: 'leave'; router: RouterView; network: string }

/** Each router with the networks that reach each other by it. */
export function RoutersPage() {
  const { t } = useTranslation()
  const { may } = useSession()
  const { rows, loading, problem, retry } = useCollection('router')
  const [asked, setAsked] = useState<Asked>()
  const close = () => setAsked(undefined)
  return (
    <Page
      title={t('routers')}
      intro={t('router.intro')}
      actions={
        may('create_router') && (
          <Button type="primary" icon={<Plus size={16} />} onClick={() => setAsked({ action: 'create' })}>
            {t('router.new')}
          </Button>
        )
      }
    >
      <ProblemAlert problem={problem} retry={retry} />
      {rows.length === 0 && <Empty>{loading ? t('loading') : t('router.none')}</Empty>}
      <div className="grid">
        {rows.map(router => (
          <RouterCard key={router.id} router={router} ask={setAsked} />
        ))}
      </div>
      {asked?.action === 'create' && <RouterDialog close={close} />}
      {asked?.action === 'join' && <JoinDialog router={asked.router} close={close} />}
      {asked?.action === 'leave' && <LeaveDialog router={asked.router} network={asked.network} close={close} />}
      {asked?.action === 'delete' && <RemoveRouter router={asked.router} close={close} />}
    </Page>
  )
}

function RouterCard({ router, ask }: { router: RouterView; ask: (asked: Asked) => void }) {
  const { t } = useTranslation()
  const networks = useNames('network')
  const may = router.allowed_actions
  return (
    <Card
      title={
        <span className="title-line">
          {router.name} <StateMark state={router.state} />
        </span>
      }
      extra={
        <span className="row-actions">
          <ActionButton
            size="small"
            icon={<Plus size={14} />}
            verdict={may.attach}
            onClick={() => ask({ action: 'join', router })}
          >
            {t('router.join')}
          </ActionButton>
          <ActionButton
            size="small"
            icon={<Trash2 size={14} />}
            verdict={may.delete}
            onClick={() => ask({ action: 'delete', router })}
          >
            {t('delete')}
          </ActionButton>
        </span>
      }
    >
      {router.networks.length === 0 && <Empty>{t('router.empty')}</Empty>}
      <ul className="devices">
        {router.networks.map(id => (
          <li key={id}>
            <NetworkLink id={id} name={networks.name(id)} />
            <span className="mono quiet">{networks.get(id)?.cidr}</span>
            <ActionButton
              size="small"
              icon={<Unplug size={14} />}
              verdict={may.detach}
              onClick={() => ask({ action: 'leave', router, network: id })}
            >
              {t('router.leave')}
            </ActionButton>
          </li>
        ))}
      </ul>
    </Card>
  )
}
