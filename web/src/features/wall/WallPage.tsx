import './wall.css'
import { Button, Tag } from 'antd'
import { ArrowLeft, ArrowRight, LayoutDashboard, Maximize, MoveHorizontal, RotateCcw, WifiOff, X } from 'lucide-react'
import { type DragEvent, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useSession } from '@/app/session'
import { Empty, Page } from '@/ui/Page'
import {
  added,
  type Kind,
  type Layout,
  missing,
  moved,
  type Panel,
  readLayout,
  resized,
  USUAL,
  without,
} from './layout'
import { Content } from './panels'

const KEPT = 'altus.wall'

/** What is to be seen from afar, chosen and arranged by who hangs it up, and kept in this browser. */
export function WallPage() {
  const { t } = useTranslation()
  const { link } = useSession()
  const wall = useRef<HTMLDivElement>(null)
  const [layout, setLayout] = useState<Layout>(() => readLayout(localStorage.getItem(KEPT)))
  const [arranging, setArranging] = useState(false)
  const keep = (next: Layout) => {
    localStorage.setItem(KEPT, JSON.stringify(next))
    setLayout(next)
  }
  return (
    <Page
      title={t('wall')}
      intro={t('wall.intro')}
      actions={
        <>
          <Button
            icon={<LayoutDashboard size={15} />}
            aria-pressed={arranging}
            type={arranging ? 'primary' : 'default'}
            onClick={() => setArranging(!arranging)}
          >
            {arranging ? t('wall.arranged') : t('wall.arrange')}
          </Button>
          <Button icon={<Maximize size={15} />} onClick={() => void wall.current?.requestFullscreen()}>
            {t('console.full')}
          </Button>
        </>
      }
    >
      {arranging && <Offers layout={layout} keep={keep} />}
      <div ref={wall} className="wall">
        {link === 'lost' && (
          <p className="wall-lost" role="alert">
            <WifiOff aria-hidden /> {t('lost')}
          </p>
        )}
        {layout.length === 0 && <Empty>{t('wall.empty')}</Empty>}
        {layout.map((panel, index) => (
          <Frame key={panel.kind} panel={panel} index={index} layout={layout} keep={arranging ? keep : undefined} />
        ))}
      </div>
    </Page>
  )
}

function Offers({ layout, keep }: { layout: Layout; keep: (layout: Layout) => void }) {
  const { t } = useTranslation()
  const offers = missing(layout)
  return (
    <div className="wall-offers" role="group" aria-label={t('wall.add')}>
      <span>{offers.length > 0 ? t('wall.add') : t('wall.all')}</span>
      {offers.map(kind => (
        <Tag.CheckableTag key={kind} checked={false} onChange={() => keep(added(layout, kind))}>
          {t(`wall.${kind}`)}
        </Tag.CheckableTag>
      ))}
      <Button size="small" icon={<RotateCcw size={14} />} onClick={() => keep(USUAL)}>
        {t('columns.reset')}
      </Button>
    </div>
  )
}

interface FrameProps {
  panel: Panel
  index: number
  layout: Layout
  /** While it is being arranged. */
  keep: ((layout: Layout) => void) | undefined
}

function Frame({ panel, index, layout, keep }: FrameProps) {
  const { t } = useTranslation()
  const { kind, wide } = panel
  const title = t(`wall.${kind}`)
  const onDrop = (event: DragEvent) => {
    event.preventDefault()
    keep?.(moved(layout, event.dataTransfer.getData(PANEL) as Kind, index))
  }
  return (
    <section
      className={`wall-panel${wide ? ' wall-wide' : ''}`}
      aria-label={title}
      draggable={keep !== undefined}
      onDragStart={event => event.dataTransfer.setData(PANEL, kind)}
      onDragOver={event => keep && event.dataTransfer.types.includes(PANEL) && event.preventDefault()}
      onDrop={onDrop}
    >
      <header>
        <h2>{title}</h2>
        {keep && (
          <span className="row-actions">
            <Tool
              icon={<ArrowLeft size={15} />}
              text={t('wall.before', { title })}
              off={index === 0}
              go={() => keep(moved(layout, kind, index - 1))}
            />
            <Tool
              icon={<ArrowRight size={15} />}
              text={t('wall.after', { title })}
              off={index === layout.length - 1}
              go={() => keep(moved(layout, kind, index + 1))}
            />
            <Tool
              icon={<MoveHorizontal size={15} />}
              text={t(wide ? 'wall.narrow' : 'wall.wide', { title })}
              go={() => keep(resized(layout, kind))}
            />
            <Tool icon={<X size={15} />} text={t('wall.remove', { title })} go={() => keep(without(layout, kind))} />
          </span>
        )}
      </header>
      <Content kind={kind} />
    </section>
  )
}

const PANEL = 'application/x-altus-panel'

function Tool({ icon, text, off = false, go }: { icon: React.ReactNode; text: string; off?: boolean; go: () => void }) {
  return <Button size="small" type="text" icon={icon} aria-label={text} title={text} disabled={off} onClick={go} />
}
