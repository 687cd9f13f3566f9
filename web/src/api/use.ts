import { useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import { useSession } from '@/app/session'
import { collectionKey, listOperation, loadAll, type Noun, type Nouns } from './collections'
import { asProblem } from './problem'

/** Everything of a noun, kept fresh by events. `rows` is empty while it loads and for who may not see it. */
export function useCollection<N extends Noun>(noun: N) {
  const { may, link } = useSession()
  const query = useQuery({
    queryKey: collectionKey(noun),
    queryFn: () => loadAll(noun),
    enabled: may(listOperation(noun)) && link !== 'connecting',
    staleTime: Number.POSITIVE_INFINITY,
  })
  return {
    rows: (query.data ?? EMPTY) as Nouns[N][],
    loading: query.isPending && may(listOperation(noun)),
    problem: query.error ? asProblem(query.error) : undefined,
    retry: query.refetch,
  }
}
const EMPTY: never[] = []

/** Finds a noun's object by its id; `name` says the id's end for what is gone or may not be seen. */
export function useNames<N extends Noun>(noun: N) {
  const { rows } = useCollection(noun)
  return useMemo(() => {
    const found = new Map(rows.map(row => [row.id, row]))
    const name = (id: string | null | undefined) => {
      if (!id) return ''
      const row = found.get(id)
      return row && 'name' in row ? row.name : `…${id.slice(-6)}`
    }
    return { get: (id: string | null | undefined) => (id ? found.get(id) : undefined), name }
  }, [rows])
}

/** One object with all that is known of it, looked at again when something happens to it. */
export function useOne<T>(noun: Noun, id: string, load: () => Promise<T>) {
  const query = useQuery({ queryKey: ['one', noun, id], queryFn: load, staleTime: 30_000, retry: false })
  return { one: query.data, problem: query.error ? asProblem(query.error) : undefined, retry: query.refetch }
}
