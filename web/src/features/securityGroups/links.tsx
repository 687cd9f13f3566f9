import { Link } from '@tanstack/react-router'
import { useNames } from '@/api/use'

export function SecurityGroupLink({ id, name }: { id: string; name: string }) {
  return (
    <Link to="/security-groups/$id" params={{ id }}>
      {name}
    </Link>
  )
}

/** Several of them, in one line. */
export function SecurityGroupLinks({ ids }: { ids: readonly string[] }) {
  const groups = useNames('security_group')
  return ids.map((id, index) => (
    <span key={id}>
      {index > 0 && ', '}
      <SecurityGroupLink id={id} name={groups.name(id)} />
    </span>
  ))
}
