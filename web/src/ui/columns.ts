import { useState } from 'react'
import type { Column } from './VirtualTable'

/** The columns that were chosen for a list, kept in this browser. */
export function useChosenColumns<T>(list: string, columns: Column<T>[]) {
  const key = `altus.columns.${list}`
  const usual = columns.filter(column => !column.optional).map(column => column.key)
  const [chosen, setChosen] = useState<string[]>(() => read(key) ?? usual)
  const choose = (keys: string[]) => {
    localStorage.setItem(key, JSON.stringify(keys))
    setChosen(keys)
  }
  return { chosen, choose, reset: () => choose(usual) }
}

function read(key: string): string[] | undefined {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(key) ?? 'null')
    return Array.isArray(kept) ? kept.map(String) : undefined
  } catch {
    return undefined
  }
}
