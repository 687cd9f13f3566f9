import type { Thing } from './tree'

/** Where a thing has its page; what has none is found in its list. */
export function pathOf(thing: Thing): { to: string; params?: { id: string }; search?: { q: string } } {
  switch (thing.kind) {
    case 'vm':
      return { to: '/vms/$id', params: { id: thing.about.id } }
    case 'host':
      return { to: '/hosts/$id', params: { id: thing.about.id } }
    case 'network':
      return { to: '/networks/$id', params: { id: thing.about.id } }
    case 'pool':
      return { to: '/pools', search: { q: thing.about.name } }
    case 'storage':
      return { to: '/volumes', search: { q: thing.about.name } }
    case 'image':
      return { to: '/images', search: { q: thing.about.name } }
    case 'homeless':
      return { to: '/vms' }
    case 'storages':
      return { to: '/volumes' }
    default:
      return { to: `/${thing.kind}` }
  }
}
