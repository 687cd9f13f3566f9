import { Link } from '@tanstack/react-router'

export function NetworkLink({ id, name }: { id: string; name: string }) {
  return (
    <Link to="/networks/$id" params={{ id }}>
      {name}
    </Link>
  )
}

/** Nothing, if there is no VM. */
export function VmLink({ id, name }: { id: string; name: string }) {
  if (!id) return null
  return (
    <Link to="/vms/$id" params={{ id }}>
      {name}
    </Link>
  )
}
