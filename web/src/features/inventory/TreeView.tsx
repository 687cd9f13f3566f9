import { useNavigate } from '@tanstack/react-router'
import {
  Boxes,
  ChevronDown,
  ChevronRight,
  CircleHelp,
  Disc3,
  Folder,
  HardDrive,
  type LucideIcon,
  Monitor,
  Network,
  Server,
} from 'lucide-react'
import { type DragEvent, type KeyboardEvent, useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { VmView } from '@/api/generated'
import type { TextKey } from '@/i18n'
import { StateMark } from '@/ui/StateMark'
import { useVirtualRows } from '@/ui/virtualRows'
import { pathOf } from './places'
import { type Line, stepFrom, type Thing, typedTo } from './tree'

const ROW = 30
/** How long one may think between two letters of a name, in ms. */
const PAUSE = 700

const ICONS: Record<Thing['kind'], LucideIcon> = {
  pool: Boxes,
  host: Server,
  vm: Monitor,
  network: Network,
  storage: HardDrive,
  image: Disc3,
  homeless: CircleHelp,
  networks: Folder,
  storages: Folder,
  images: Folder,
}

interface Props {
  label: string
  lines: Line[]
  chosen: string | undefined
  choose: (key: string) => void
  toggle: (key: string) => void
  menu: (line: Line, x: number, y: number) => void
  /** A VM was drawn onto a host. */
  drop: (vm: VmView, host: string) => void
}

/** A tree by WAI-ARIA's pattern, of which only the rows in sight exist: the tree has the focus, and says which of them
 * is meant. */
export function TreeView(props: Props) {
  const { lines, chosen } = props
  const { t } = useTranslation()
  const at = Math.max(
    0,
    lines.findIndex(line => line.key === chosen),
  )
  const [dragged, setDragged] = useState<VmView>()
  const { frame, virtual } = useVirtualRows(lines.length, ROW, index => lines[index]?.key)
  const onKey = useKeys(props, at)
  // biome-ignore lint/correctness/useExhaustiveDependencies: only when another one is chosen, not when the tree changes
  useEffect(() => virtual.scrollToIndex(at), [chosen])
  return (
    <div
      ref={frame}
      role="tree"
      className="tree"
      aria-label={props.label}
      aria-activedescendant={lines[at] && rowId(lines[at].key)}
      tabIndex={0}
      onKeyDown={onKey}
    >
      <div role="presentation" style={{ height: virtual.getTotalSize(), position: 'relative' }}>
        {virtual.getVirtualItems().map(({ index, start, key }) => {
          const line = lines[index]
          if (!line) return null
          return (
            <Row
              key={key}
              line={line}
              name={nameOf(line, t)}
              start={start}
              chosen={index === at}
              tree={props}
              dragged={dragged}
              drag={setDragged}
            />
          )
        })}
      </div>
    </div>
  )
}

const rowId = (key: string) => `tree-${key.replace(' ', '-')}`

/** What a line is called. */
export const nameOf = (line: Thing, t: (key: TextKey) => string): string =>
  line.about ? line.about.name : t(line.kind === 'homeless' ? 'inventory.homeless' : line.kind)

function useKeys({ lines, choose, toggle, menu }: Props, at: number) {
  const { t } = useTranslation()
  const navigate = useNavigate()
  const typed = useRef({ text: '', when: 0 })
  const line = lines[at]
  const go = (index: number | undefined) => {
    const found = index === undefined ? undefined : lines[index]
    if (found) choose(found.key)
  }
  const type = (letter: string, when: number) => {
    const before = when - typed.current.when < PAUSE ? typed.current.text : ''
    typed.current = { text: before + letter, when }
    const names = lines.map(one => nameOf(one, t))
    go(typedTo(names, at, typed.current.text))
  }
  return (event: KeyboardEvent<HTMLDivElement>) => {
    if (!line || event.ctrlKey || event.metaKey || event.altKey) return
    const step = stepFrom(lines, at, event.key)
    if (event.key === 'ContextMenu' || (event.shiftKey && event.key === 'F10')) {
      const row = document.getElementById(rowId(line.key))?.getBoundingClientRect()
      menu(line, (row?.left ?? 0) + 60, row?.bottom ?? 0)
    } else if (event.key.length === 1 && event.key.trim()) {
      type(event.key, event.timeStamp)
      return event.preventDefault()
    } else if (event.key === 'Enter') {
      if (line.about) void navigate(pathOf(line))
      else toggle(line.key)
    } else if (step.toggle) toggle(line.key)
    else if (step.to !== undefined) go(step.to)
    else return
    typed.current.when = 0 // a new name begins
    event.preventDefault()
  }
}

interface RowProps {
  line: Line
  name: string
  start: number
  chosen: boolean
  tree: Props
  dragged: VmView | undefined
  drag: (vm: VmView | undefined) => void
}

function Row({ line, name, start, chosen, tree, dragged, drag }: RowProps) {
  const navigate = useNavigate()
  const [over, setOver] = useState(false)
  const Icon = ICONS[line.kind]
  const takes = line.kind === 'host' && dragged !== undefined && dragged.host_id !== line.about.id
  const onDragOver = (event: DragEvent) => {
    if (!takes) return
    event.preventDefault() // it may be dropped here
    setOver(true)
  }
  const onDrop = (event: DragEvent) => {
    event.preventDefault()
    setOver(false)
    if (takes) tree.drop(dragged, line.about.id)
  }
  return (
    <div
      id={rowId(line.key)}
      role="treeitem"
      aria-level={line.level}
      aria-posinset={line.at}
      aria-setsize={line.among}
      aria-selected={chosen}
      {...(line.size > 0 ? { 'aria-expanded': line.open } : {})}
      className={`tree-row${chosen ? ' tree-chosen' : ''}${over ? ' tree-over' : ''}`}
      style={{ transform: `translateY(${start}px)`, paddingLeft: 6 + (line.level - 1) * 20 }}
      onClick={() => tree.choose(line.key)}
      onKeyDown={() => undefined} // the tree has the keys
      onDoubleClick={() => (line.size > 0 ? tree.toggle(line.key) : void navigate(pathOf(line)))}
      onContextMenu={event => {
        event.preventDefault()
        tree.choose(line.key)
        tree.menu(line, event.clientX, event.clientY)
      }}
      draggable={line.kind === 'vm'}
      onDragStart={event => {
        if (line.kind !== 'vm') return
        event.dataTransfer.effectAllowed = 'move'
        event.dataTransfer.setData('text/plain', line.about.name)
        drag(line.about)
      }}
      onDragEnd={() => drag(undefined)}
      onDragOver={onDragOver}
      onDragLeave={() => setOver(false)}
      onDrop={onDrop}
    >
      <span
        className="tree-turn"
        aria-hidden
        onClick={event => {
          event.stopPropagation()
          tree.toggle(line.key)
        }}
      >
        {line.size > 0 && (line.open ? <ChevronDown size={14} /> : <ChevronRight size={14} />)}
      </span>
      <Icon size={15} aria-hidden />
      <span className="tree-name">{name}</span>
      {line.about && 'state' in line.about && <StateMark state={line.about.state} word={false} />}
      {line.size > 0 && <span className="tree-size">{line.size}</span>}
    </div>
  )
}
