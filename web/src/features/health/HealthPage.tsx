import { useNavigate } from '@tanstack/react-router'
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
  const navigate = useNavigate()
  const cells = (rows: { id: string; name: string; state: string }[], to: string): Cell[] =>
    byUrgency(rows.map(({ id, name, state }) => ({ id, name, state, tone: toneOf(state), to })))
  // biome-ignore lint/correctness/useExhaustiveDependencies: `cells` is the same work each time
  const [hostCells, vmCells] = useMemo(() => [cells(hosts, '/hosts/$id'), cells(vms, '/vms/$id')], [hosts, vms])
  const go = (cell: Cell) => void navigate({ to: cell.to, params: { id: cell.id } })
  return (
    <Page title={t('health')} intro={t('health.intro')}>
      <Card title={`${t('hosts')} (${hosts.length})`} extra={<Legend cells={hostCells} />}>
        <Matrix cells={hostCells} label={t('hosts')} go={go} />
      </Card>
      <Card title={`${t('vms')} (${vms.length})`} extra={<Legend cells={vmCells} />}>
        <Matrix cells={vmCells} label={t('vms')} go={go} />
      </Card>
    </Page>
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
