import './snapshots.css'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { Button, Spin } from 'antd'
import { History, Plus, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { ask } from '@/api/ask'
import { toldKey } from '@/api/collections'
import { deleteSnapshot, listSnapshots, revertSnapshot, type SnapshotView, type VmView } from '@/api/generated'
import { asProblem } from '@/api/problem'
import { useSession } from '@/app/session'
import { ActionButton } from '@/ui/ActionButton'
import { Ago } from '@/ui/Ago'
import { bytes } from '@/ui/format'
import { Card, Empty } from '@/ui/Page'
import { ProblemAlert } from '@/ui/ProblemAlert'
import { StateMark } from '@/ui/StateMark'
import { ConfirmDialog } from '../tasks/ConfirmDialog'
import { RemoveDialog } from '../tasks/RemoveDialog'
import { SnapshotDialog } from './SnapshotDialog'
import { type Row, rowsOf } from './tree'

type Asked = { action: 'create' } | { action: 'revert' | 'delete'; snapshot: SnapshotView }

/** The snapshots of a VM as the tree that they are, and where in it the VM stands. */
export default function VmSnapshots({ vm }: { vm: VmView }) {
  const { t } = useTranslation()
  const { may } = useSession()
  const [asked, setAsked] = useState<Asked>()
  const found = useQuery({
    queryKey: [...toldKey('snapshot'), vm.id, vm.revision],
    queryFn: async () => (await ask(listSnapshots({ path: { ref: vm.id }, query: { limit: 1000 } }))).items,
    placeholderData: keepPreviousData,
  })
  const close = () => setAsked(undefined)
  const snapshots = found.data ?? []
  const add = (
    <Button icon={<Plus size={15} />} onClick={() => setAsked({ action: 'create' })}>
      {t('snapshot.new')}
    </Button>
  )
  return (
    <Card title={t('snapshots')} extra={may('create_snapshot') && add}>
      <ProblemAlert problem={found.error ? asProblem(found.error) : undefined} retry={() => void found.refetch()} />
      {found.isPending && <Spin />}
      {found.data?.length === 0 && <Empty>{t('snapshot.none')}</Empty>}
      {snapshots.length > 0 && <Tree vm={vm} snapshots={snapshots} ask={setAsked} />}
      {asked?.action === 'create' && <SnapshotDialog vm={vm} close={close} />}
      {asked?.action === 'revert' && (
        <ConfirmDialog
          title={t('snapshot.revert_title', { vm: vm.name, name: asked.snapshot.name })}
          ok={t('snapshot.revert')}
          danger
          close={close}
          request={plan => revertSnapshot({ path: pathOf(vm, asked.snapshot), query: { plan } })}
        />
      )}
      {asked?.action === 'delete' && (
        <RemoveDialog
          noun={t('snapshot')}
          name={asked.snapshot.name}
          close={close}
          request={plan => deleteSnapshot({ path: pathOf(vm, asked.snapshot), query: { plan } })}
        />
      )}
    </Card>
  )
}

const pathOf = (vm: VmView, snapshot: SnapshotView) => ({ ref: vm.id, snapshot: snapshot.id })

interface TreeProps {
  vm: VmView
  snapshots: SnapshotView[]
  ask: (asked: Asked) => void
}

function Tree({ vm, snapshots, ask }: TreeProps) {
  const { t } = useTranslation()
  const rows = rowsOf(snapshots)
  const names = new Map(snapshots.map(one => [one.id, one.name]))
  const lanes = Math.max(...rows.map(row => row.lane)) + 1
  return (
    <ul className="snapshots" aria-label={t('snapshot.tree')}>
      {rows.map(row => {
        const snapshot = row.snapshot
        const under = names.get(snapshot?.parent_id ?? '')
        return (
          <li key={snapshot?.id ?? 'now'} aria-current={snapshot ? undefined : 'step'}>
            <Lines row={row} lanes={lanes} />
            {!snapshot && (
              <div className="snapshot-text">
                <strong>{t('snapshot.now', { name: vm.name })}</strong> <StateMark state={vm.state} />
              </div>
            )}
            {snapshot && (
              <>
                <div className="snapshot-text">
                  <strong>{snapshot.name}</strong> <StateMark state={snapshot.state} />
                  {snapshot.current && <span className="snapshot-current">{t('snapshot.current')}</span>}
                  {under && <span className="unseen">{t('snapshot.on', { name: under })}</span>}
                  <div className="quiet">
                    <Ago at={snapshot.created_at} /> · {bytes(snapshot.disks.reduce((sum, disk) => sum + disk.size, 0))}{' '}
                    {snapshot.description && `· ${snapshot.description}`}
                  </div>
                </div>
                <ActionButton
                  size="small"
                  icon={<History size={14} />}
                  verdict={snapshot.allowed_actions.revert}
                  onClick={() => ask({ action: 'revert', snapshot })}
                >
                  {t('snapshot.revert')}
                </ActionButton>
                <ActionButton
                  size="small"
                  icon={<Trash2 size={14} />}
                  verdict={snapshot.allowed_actions.delete}
                  onClick={() => ask({ action: 'delete', snapshot })}
                >
                  {t('delete')}
                </ActionButton>
              </>
            )}
          </li>
        )
      })}
    </ul>
  )
}

const STEP = 22
const HEIGHT = 56
const MIDDLE = HEIGHT / 2

/** A row's part of the drawing: the lines that run past it, the one it hangs on, its point. */
function Lines({ row, lanes }: { row: Row<SnapshotView>; lanes: number }) {
  const at = (lane: number) => lane * STEP + STEP / 2
  const x = at(row.lane)
  const from = row.from === undefined ? undefined : at(row.from)
  return (
    <svg width={lanes * STEP} height={HEIGHT} className="snapshot-lines" aria-hidden>
      {row.past.map(lane => (
        <line key={lane} x1={at(lane)} x2={at(lane)} y1={0} y2={HEIGHT} />
      ))}
      {from === x && <line x1={x} x2={x} y1={0} y2={MIDDLE} />}
      {from !== undefined && from !== x && (
        <path d={`M${from} 0 C${from} ${MIDDLE} ${from} ${MIDDLE} ${x} ${MIDDLE}`} />
      )}
      {row.goesOn && <line x1={x} x2={x} y1={MIDDLE} y2={HEIGHT} />}
      <circle cx={x} cy={MIDDLE} r={row.snapshot ? 5 : 7} className={row.snapshot ? undefined : 'snapshot-here'} />
    </svg>
  )
}
