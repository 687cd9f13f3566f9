import { type ReactNode, useEffect } from 'react'

interface Props {
  title: ReactNode
  /** The words of the browser's tab, if the title is not a text. */
  name?: string
  intro?: ReactNode
  actions?: ReactNode
  /** The content takes the height that is left, and scrolls by itself. */
  full?: boolean
  children: ReactNode
}

export function Page({ title, name, intro, actions, full = false, children }: Props) {
  const tab = name ?? (typeof title === 'string' ? title : '')
  useEffect(() => {
    document.title = tab ? `${tab} · Altus` : 'Altus'
  }, [tab])
  return (
    <div className={full ? 'page page-full' : 'page'}>
      <header className="page-head">
        <div className="page-title">
          <h1>{title}</h1>
          {intro && <p>{intro}</p>}
        </div>
        {actions && <div className="page-actions">{actions}</div>}
      </header>
      {children}
    </div>
  )
}

export function Card({
  title,
  extra,
  children,
  className = '',
}: {
  title?: ReactNode
  extra?: ReactNode
  children: ReactNode
  className?: string
}) {
  return (
    <section className={`card ${className}`}>
      {(title || extra) && (
        <div className="card-head">
          <h2>{title}</h2>
          {extra}
        </div>
      )}
      {children}
    </section>
  )
}

/** Names and values; what has no value is left out. */
export function Facts({ rows }: { rows: [string, ReactNode][] }) {
  return (
    <dl className="facts">
      {rows
        .filter(([, value]) => value !== undefined && value !== null && value !== '')
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  )
}

/** How much of something is used, from 0 to 1. */
export function Meter({ used, label, tone }: { used: number; label: ReactNode; tone?: 'good' | 'warning' | 'bad' }) {
  const shown = Math.min(1, Math.max(0, used))
  const colour = tone ?? (shown > 0.9 ? 'bad' : shown > 0.75 ? 'warning' : 'good')
  return (
    <div className="meter">
      <div className="meter-track" aria-hidden>
        <div className={`meter-fill meter-${colour}`} style={{ width: `${shown * 100}%` }} />
      </div>
      <span className="meter-label">{label}</span>
    </div>
  )
}

export function Empty({ children }: { children: ReactNode }) {
  return <p className="empty">{children}</p>
}
