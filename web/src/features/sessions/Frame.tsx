import type { ReactNode } from 'react'

/** The pages before the console: one card, quietly. */
export function Frame({ title, corner, children }: { title: string; corner?: ReactNode; children: ReactNode }) {
  return (
    <main className="front">
      <div className="front-corner">{corner}</div>
      <div className="front-card">
        <img src="/icon.svg" alt="" width={52} height={52} />
        <h1>{title}</h1>
        {children}
      </div>
    </main>
  )
}
