import { Link, useNavigate } from '@tanstack/react-router'
import { Button } from 'antd'
import { Presentation } from 'lucide-react'
import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import { useCollection } from '@/api/use'
import { Card, Page } from '@/ui/Page'
import { toneOf } from '@/ui/StateMark'
import { Matrix } from './Matrix'
import { byUrgency, type Cell } from './matrix'

/** Everything at one glance: each host and each VM is a cell. */
export function HealthPage() {
  const { t } = useTranslation()
  const hosts = useCollection('host').rows
  const vms = useCollection('vm').rows
  const wall = (
    <Link to="/wall">
      <Button icon={<Presentation size={15} />} tabIndex={-1}>
        {t('wall')}
      </Button>
    </Link>
  )
  return (
    <Page title={t('health')} intro={t('health.intro')} actions={wall}>
      <Card title={`${t('hosts')} (${hosts.length})`}>
        <HostCells />
      </Card>
      <Card title={`${t('vms')} (${vms.length})`}>
        <VmCells />
      </Card>
    </Page>
  )
}

export function HostCells() {
  const { t } = useTranslation()
  return <Cells rows={useCollection('host').rows} to="/hosts/$id" label={t('hosts')} />
}

export function VmCells() {
  const { t } = useTranslation()
  return <Cells rows={useCollection('vm').rows} to="/vms/$id" label={t('vms')} />
}

interface CellsProps {
  rows: readonly { id: string; name: string; state: string }[]
  to: string
  label: string
}

function Cells({ rows, to, label }: CellsProps) {
  const navigate = useNavigate()
  const cells = useMemo(
    () => byUrgency(rows.map(({ id, name, state }) => ({ id, name, state, tone: toneOf(state), to }))),
    [rows, to],
  )
  return (
    <>
      <Legend cells={cells} />
      <Matrix cells={cells} label={label} go={cell => void navigate({ to: cell.to, params: { id: cell.id } })} />
    </>
  )
}

/** How many are in which state: the matrix in words. */
function Legend({ cells }: { cells: Cell[] }) {
  const { t } = useTranslation()
  const counts = new Map<string, number>()
  for (const { state } of cells) counts.set(state, (counts.get(state) ?? 0) + 1)
  return (
    <span className="legend">
      {[...counts].map(([state, count]) => (
        <span key={state} className={`state state-${toneOf(state)}`}>
          <i className={`legend-cell legend-${toneOf(state)}`} aria-hidden /> {t(`state.${state}` as 'state.running')}{' '}
          {count}
        </span>
      ))}
    </span>
  )
}
