import { type MouseEvent, useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { usePreferences } from '@/app/preferences'
import { paletteOf } from '@/skins'
import type { Palette } from '@/skins/skin'
import { type Cell, cellAt, type Grid, gridOf, SIGNS } from './matrix'

interface Props {
  cells: Cell[]
  label: string
  go: (cell: Cell) => void
}

const HEIGHT = 420

/** Thousands of cells on a canvas: colour and sign tell the state, the pointer tells the name, a click goes there. With
 * the keyboard: arrows, and Enter. */
export function Matrix({ cells, label, go }: Props) {
  const { t } = useTranslation()
  const canvas = useRef<HTMLCanvasElement>(null)
  const [width, setWidth] = useState(0)
  const [at, setAt] = useState<number>()
  const { skin, dark } = usePreferences()
  const grid = gridOf(cells.length, width, HEIGHT)
  useEffect(() => {
    const place = canvas.current?.parentElement
    if (!place) return
    const observer = new ResizeObserver(([entry]) => entry && setWidth(entry.contentRect.width))
    observer.observe(place)
    return () => observer.disconnect()
  }, [])
  useEffect(() => {
    if (canvas.current && width > 0) draw(canvas.current, cells, grid, width, at, paletteOf(skin, dark))
  })
  const find = (event: MouseEvent) => cellAt(grid, cells.length, event.nativeEvent.offsetX, event.nativeEvent.offsetY)
  const cell = at === undefined ? undefined : cells[at]
  const told = cell && `${cell.name} · ${t(`state.${cell.state}` as 'state.running')}`
  const onKey = (event: React.KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: grid.columns, ArrowUp: -grid.columns }[event.key]
    if (step !== undefined) {
      event.preventDefault()
      setAt(Math.min(cells.length - 1, Math.max(0, (at ?? -step) + step)))
    } else if (event.key === 'Enter' && cell) go(cell)
  }
  return (
    <div className="matrix">
      <canvas
        ref={canvas}
        role="img"
        tabIndex={0}
        aria-label={`${label}. ${told ?? t('health.keys')}`}
        onMouseMove={event => setAt(find(event))}
        onMouseLeave={() => setAt(undefined)}
        onClick={event => {
          const found = cells[find(event) ?? -1]
          if (found) go(found)
        }}
        onKeyDown={onKey}
      />
      <p className="matrix-told" aria-live="polite">
        {told ?? t('health.keys')}
      </p>
    </div>
  )
}

function draw(
  canvas: HTMLCanvasElement,
  cells: Cell[],
  grid: Grid,
  width: number,
  at: number | undefined,
  palette: Palette,
) {
  const scale = devicePixelRatio
  const height = Math.max(grid.size, grid.rows * grid.size)
  canvas.width = width * scale
  canvas.height = height * scale
  canvas.style.width = `${width}px`
  canvas.style.height = `${height}px`
  const pen = canvas.getContext('2d')
  if (!pen) return
  pen.scale(scale, scale)
  pen.textAlign = 'center'
  pen.textBaseline = 'middle'
  pen.font = `700 ${Math.round(grid.size * 0.6)}px system-ui`
  const inner = grid.size - (grid.size > 14 ? 3 : 1)
  cells.forEach(({ tone }, index) => {
    const x = (index % grid.columns) * grid.size
    const y = Math.floor(index / grid.columns) * grid.size
    pen.fillStyle = tone === 'quiet' ? palette.border : palette[tone]
    pen.beginPath()
    pen.roundRect(x, y, inner, inner, grid.size / 6)
    pen.fill()
    pen.fillStyle = tone === 'quiet' ? palette.text : palette.card
    if (SIGNS[tone]) pen.fillText(SIGNS[tone], x + inner / 2, y + inner / 2 + 1)
    if (index === at) {
      pen.strokeStyle = palette.text
      pen.lineWidth = 2
      pen.stroke()
    }
  })
}
