import { Link } from '@tanstack/react-router'
import { Button } from 'antd'
import { Cable, Pencil, Plus, Route, Trash2, Unplug } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { VmNicView, VmView } from '@/api/generated'
import { useNames } from '@/api/use'
import { useSession } from '@/app/session'
import { ActionButton } from '@/ui/ActionButton'
import { Card, Empty, Facts } from '@/ui/Page'
import { NetworkLink } from '../networks/links'
import { SecurityGroupLinks } from '../securityGroups/links'
import { type NicAsked, NicDialogs } from './NicDialogs'
import { limitWords } from './nics'

export function VmNics({ vm }: { vm: VmView }) {
  const { t } = useTranslation()
  const [asked, setAsked] = useState<NicAsked>()
  const add = (
    <ActionButton
      size="small"
      icon={<Plus size={14} />}
      verdict={vm.allowed_actions.edit}
      onClick={() => setAsked({ action: 'add' })}
    >
      {t('vm.add_nic')}
    </ActionButton>
  )
  return (
    <Card title={t('vm.nics', { count: vm.nics.length })} extra={add}>
      {vm.nics.length === 0 && <Empty>{t('vm.no_nics')}</Empty>}
      <ul className="parts">
        {vm.nics.map(nic => (
          <Nic key={nic.id} vm={vm} nic={nic} ask={setAsked} />
        ))}
      </ul>
      {asked && <NicDialogs vm={vm} asked={asked} close={() => setAsked(undefined)} />}
    </Card>
  )
}

interface NicProps {
  vm: VmView
  nic: VmNicView
  ask: (asked: NicAsked) => void
}

function Nic({ vm, nic, ask }: NicProps) {
  const { t } = useTranslation()
  const { may } = useSession()
  const networks = useNames('network')
  const Mark = nic.link === 'up' ? Cable : Unplug
  const turn = nic.link === 'up' ? 'down' : 'up'
  const verdict = vm.allowed_actions.edit
  return (
    <li>
      <div className="part-head">
        <strong>
          <NetworkLink id={nic.network_id} name={networks.name(nic.network_id)} />
        </strong>
        <span className="mono">{nic.address}</span>
        <span className={`state state-${nic.link === 'up' ? 'good' : 'warning'}`}>
          <Mark size={14} aria-hidden />
          <span>{t(`nic.${nic.link}`)}</span>
        </span>
        <span className="row-actions part-do">
          <ActionButton
            size="small"
            icon={<Pencil size={14} />}
            verdict={verdict}
            onClick={() => ask({ action: 'edit', nic })}
          >
            {t('vm.do.edit')}
          </ActionButton>
          <ActionButton
            size="small"
            icon={turn === 'up' ? <Cable size={14} /> : <Unplug size={14} />}
            verdict={verdict}
            onClick={() => ask({ action: 'link', nic })}
          >
            {t(`nic.turn_${turn}`)}
          </ActionButton>
          {may('explain_network') && (
            <Link to="/packet" search={{ from: vm.id, nic: nic.id }}>
              <Button size="small" icon={<Route size={14} />} tabIndex={-1}>
                {t('packet.short')}
              </Button>
            </Link>
          )}
          <ActionButton
            size="small"
            danger
            icon={<Trash2 size={14} />}
            verdict={verdict}
            onClick={() => ask({ action: 'remove', nic })}
          >
            {t('remove')}
          </ActionButton>
        </span>
      </div>
      <Facts
        rows={[
          [
            'MAC',
            <span key="m" className="mono">
              {nic.mac}
            </span>,
          ],
          [t('nic.model'), nic.model],
          [
            t('security_groups'),
            nic.security_groups.length > 0 ? (
              <SecurityGroupLinks key="g" ids={nic.security_groups} />
            ) : (
              t('nic.unfiltered')
            ),
          ],
          [t('nic.limit_in'), nic.limit_in && limitWords(nic.limit_in)],
          [t('nic.limit_out'), nic.limit_out && limitWords(nic.limit_out)],
        ]}
      />
    </li>
  )
}
