/** What of a draft differs from what there is: only that is sent, so that nothing which others changed is set back. */
export function changesOf<T extends object>(before: T, draft: T): Partial<T> {
  const changed = (Object.keys(draft) as (keyof T)[]).filter(
    key => JSON.stringify(before[key]) !== JSON.stringify(draft[key]),
  )
  return Object.fromEntries(changed.map(key => [key, draft[key]])) as Partial<T>
}
