import './inventory.css'
import { useDeferredValue, useEffect, useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { VmView } from '@/api/generated'
import { useCollection } from '@/api/use'
import { Page } from '@/ui/Page'
import { ProblemAlert } from '@/ui/ProblemAlert'
import { useView } from '@/ui/view'
import { useChange } from '../tasks/change'
import { VmDialog } from '../vms/VmActions'
import { Chosen } from './Chosen'
import { type Asked, AskedDialog, ThingMenu } from './ThingMenu'
import { TreeView } from './TreeView'
import { type Line, Tree } from './tree'

/** Everything there is as one tree: what is chosen in it is shown beside it, and what can be done with it. */
export function InventoryPage() {
  const { t } = useTranslation()
  const tree = useTree()
  const [open, setOpen] = useOpen()
  const lines = useMemo(() => tree.lines(open), [tree, open])
  const [menu, setMenu] = useState<{ line: Line; x: number; y: number }>()
  const [asked, setAsked] = useState<Asked>()
  const [moving, setMoving] = useState<{ vm: VmView; host: string }>()
  const change = useChange()
  const [key, choose] = useChosen()
  const chosen = lines.find(line => line.key === key) ?? lines[0]
  return (
    <Page title={t('inventory')} intro={t('inventory.intro')} full>
      <ProblemAlert problem={change.problem} onClose={change.clear} />
      <div className="inventory">
        <TreeView
          label={t('inventory')}
          lines={lines}
          chosen={chosen?.key}
          choose={choose}
          toggle={key => setOpen(flipped(open, key))}
          menu={(line, x, y) => setMenu({ line, x, y })}
          drop={(vm, host) => setMoving({ vm, host })}
        />
        {chosen && <Chosen line={chosen} tree={tree} />}
      </div>
      {menu && <ThingMenu {...menu} ask={setAsked} run={change.run} close={() => setMenu(undefined)} />}
      {asked && <AskedDialog asked={asked} close={() => setAsked(undefined)} />}
      {moving && <VmDialog dialog="migrate" {...moving} close={() => setMoving(undefined)} />}
    </Page>
  )
}

function useTree(): Tree {
  const pools = useCollection('pool').rows
  const hosts = useCollection('host').rows
  const vms = useCollection('vm').rows
  const networks = useCollection('network').rows
  const storages = useCollection('storage').rows
  const images = useCollection('image').rows
  const all = useMemo(
    () => ({ pools, hosts, vms, networks, storages, images }),
    [pools, hosts, vms, networks, storages, images],
  )
  const calm = useDeferredValue(all) // a storm of events does not stop the keys
  return useMemo(() => new Tree(calm), [calm])
}

const REST = 200

/** What is chosen: at once, however fast the keys come; the address bar follows when they rest. */
function useChosen() {
  const { id, set } = useView()
  const [key, setKey] = useState(id)
  useEffect(() => {
    const timer = setTimeout(() => key !== undefined && set({ id: key }), REST)
    return () => clearTimeout(timer)
  }, [key, set])
  return [key, setKey] as const
}

const OPEN = 'altus.inventory'

/** What is open, kept in this browser. */
function useOpen() {
  const [open, setOpen] = useState<ReadonlySet<string>>(() => {
    try {
      return new Set<string>(JSON.parse(localStorage.getItem(OPEN) ?? '[]'))
    } catch {
      return new Set()
    }
  })
  const keep = (next: ReadonlySet<string>) => {
    localStorage.setItem(OPEN, JSON.stringify([...next]))
    setOpen(next)
  }
  return [open, keep] as const
}

function flipped(open: ReadonlySet<string>, key: string): ReadonlySet<string> {
  const next = new Set(open)
  if (!next.delete(key)) next.add(key)
  return next
}
