import type { QueryClient } from '@tanstack/react-query'
import { ask } from './ask'
import {
  type AlarmView,
  type FloatingIpView,
  type ForwardView,
  type HostView,
  type ImageView,
  listAlarms,
  listFloatingIps,
  listForwards,
  listHosts,
  listImages,
  listNetworks,
  listPools,
  listProjects,
  listRouters,
  listSecurityGroups,
  listStorages,
  listTasks,
  listVms,
  listVolumes,
  type NetworkView,
  type PoolView,
  type ProjectView,
  type RouterView,
  type SecurityGroupView,
  type StorageView,
  type TaskView,
  type VmView,
  type VolumeView,
} from './generated'

/** What the console keeps whole in memory, by the nouns that events name. */
export interface Nouns {
  vm: VmView
  host: HostView
  network: NetworkView
  router: RouterView
  security_group: SecurityGroupView
  floating_ip: FloatingIpView
  forward: ForwardView
  storage: StorageView
  volume: VolumeView
  image: ImageView
  pool: PoolView
  project: ProjectView
  task: TaskView
  alarm: AlarmView
}
export type Noun = keyof Nouns

type Page<T> = { items: T[]; next?: string | null }
type ListQuery = { filter?: string[]; sort?: string; after?: string; limit?: number }
type List<T> = (options: { query: ListQuery }) => Promise<{ data?: Page<T>; error?: unknown }>

export const LISTS: { [N in Noun]: { list: List<Nouns[N]>; operation: string } } = {
  vm: { list: listVms, operation: 'list_vms' },
  host: { list: listHosts, operation: 'list_hosts' },
  network: { list: listNetworks, operation: 'list_networks' },
  router: { list: listRouters, operation: 'list_routers' },
  security_group: { list: listSecurityGroups, operation: 'list_security_groups' },
  floating_ip: { list: listFloatingIps, operation: 'list_floating_ips' },
  forward: { list: listForwards, operation: 'list_forwards' },
  storage: { list: listStorages, operation: 'list_storages' },
  volume: { list: listVolumes, operation: 'list_volumes' },
  image: { list: listImages, operation: 'list_images' },
  pool: { list: listPools, operation: 'list_pools' },
  project: { list: listProjects, operation: 'list_projects' },
  task: { list: listTasks, operation: 'list_tasks' },
  alarm: { list: listAlarms, operation: 'list_alarms' },
}
const PAGE = 1000
/** Of tasks only the newest are kept: there is no end of them. */
const NEWEST_TASKS = 300
/** Ids in one filter. */
const AT_ONCE = 100

/** The operation by which a noun is listed: who may not use it has no such collection. */
export const listOperation = (noun: Noun) => LISTS[noun].operation
export const collectionKey = (noun: Noun) => ['collection', noun] as const
/** What is looked at again whenever something happens to any of a noun. */
export const toldKey = (noun: string) => ['told', noun] as const
export const isNoun = (text: string): text is Noun => text in LISTS

/** Everything of a noun, page after page. */
export async function loadAll<N extends Noun>(noun: N): Promise<Nouns[N][]> {
  const list: List<Nouns[N]> = LISTS[noun].list
  if (noun === 'task') return (await ask(list({ query: { sort: '-seq', limit: NEWEST_TASKS } }))).items
  const items: Nouns[N][] = []
  let after: string | undefined
  do {
    const page = await ask(list({ query: { limit: PAGE, ...(after ? { after } : {}) } }))
    items.push(...page.items)
    after = page.next ?? undefined
  } while (after)
  return items
}

/** Fetches the objects with these ids anew and puts them into the cache; those that are gone leave it. */
export async function refresh<N extends Noun>(client: QueryClient, noun: N, ids: string[]): Promise<void> {
  const key = collectionKey(noun)
  if (client.getQueryData(key) === undefined) return
  for (let start = 0; start < ids.length; start += AT_ONCE) {
    const some = ids.slice(start, start + AT_ONCE)
    const list: List<Nouns[N]> = LISTS[noun].list
    const page = await ask(list({ query: { filter: [`id:${some.join(',')}`], limit: AT_ONCE } }))
    client.setQueryData<Nouns[N][]>(key, before => before && merge(before, some, page.items))
  }
}

/** `before` with the objects of `asked` as they are `now`: changed in their places, gone, or new at the end. Tasks come
 * newest first. */
export function merge<T extends { id: string; seq?: number }>(before: T[], asked: string[], now: T[]): T[] {
  const changed = new Map(now.map(one => [one.id, one]))
  const concerned = new Set(asked)
  const kept: T[] = []
  for (const one of before) {
    const newer = changed.get(one.id)
    changed.delete(one.id)
    if (newer) kept.push(newer)
    else if (!concerned.has(one.id)) kept.push(one)
  }
  const added = [...changed.values()]
  if (added[0]?.seq === undefined) return [...kept, ...added]
  return [...added, ...kept].sort((one, other) => (other.seq ?? 0) - (one.seq ?? 0))
}
