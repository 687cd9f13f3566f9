import { useSyncExternalStore } from 'react'
import { DEFAULT_SKIN } from '@/skins'

export type Brightness = 'light' | 'dark' | 'system'
export interface Preferences {
  skin: string
  brightness: Brightness
}

const KEY = 'altus.look'
const listeners = new Set<() => void>()
let current = read()

function read(): Preferences {
  const kept = { skin: DEFAULT_SKIN, brightness: 'system' as Brightness }
  try {
    return { ...kept, ...JSON.parse(localStorage.getItem(KEY) ?? '{}') }
  } catch {
    return kept
  }
}

export function prefer(changes: Partial<Preferences>): void {
  current = { ...current, ...changes }
  localStorage.setItem(KEY, JSON.stringify(current))
  for (const tell of listeners) tell()
}

addEventListener('storage', event => {
  if (event.key !== KEY) return // another window chose another look: this one follows
  current = read()
  for (const tell of listeners) tell()
})

function subscribe(listener: () => void) {
  listeners.add(listener)
  return () => void listeners.delete(listener)
}

const system = matchMedia('(prefers-color-scheme: dark)')
function subscribeSystem(listener: () => void) {
  system.addEventListener('change', listener)
  return () => system.removeEventListener('change', listener)
}

/** The look that was chosen, kept in this browser. */
export function usePreferences(): Preferences & { dark: boolean } {
  const chosen = useSyncExternalStore(subscribe, () => current)
  const systemDark = useSyncExternalStore(subscribeSystem, () => system.matches)
  return { ...chosen, dark: chosen.brightness === 'system' ? systemDark : chosen.brightness === 'dark' }
}
