import type { PlanView } from '@/api/generated'

/** What a plan tells beside its steps: sentences, and lists of what is concerned. Where a VM is placed, `Plan` shows. */
export function PlanDetails({ plan }: { plan: PlanView | undefined }) {
  const told = Object.entries(plan?.details ?? {}).filter(([name]) => name !== 'placement')
  return (
    <>
      {told.map(([name, value]) => {
        if (typeof value === 'string') return <p key={name}>{value}</p>
        if (!Array.isArray(value) || value.length === 0) return null
        return (
          <details key={name} open>
            <summary>{name.replaceAll('_', ' ')}</summary>
            <ul>
              {value.map(one => (
                <li key={JSON.stringify(one)}>{sentence(one)}</li>
              ))}
            </ul>
          </details>
        )
      })}
    </>
  )
}

function sentence(one: unknown): string {
  if (typeof one !== 'object' || one === null) return String(one)
  return Object.values(one)
    .filter(part => typeof part === 'string')
    .join(' · ')
}
