import { ask } from '@/api/ask'
import { type ConsoleKind, openConsole } from '@/api/generated'

/** The address of a console, good for one connection: each attempt takes a ticket of its own. */
export async function consoleUrl(vmId: string, kind: 'vnc' | 'serial'): Promise<string> {
  const ticket = await ask(openConsole({ path: { ref: vmId }, body: { kind: kind as ConsoleKind } }))
  const scheme = location.protocol === 'https:' ? 'wss' : 'ws'
  return `${scheme}://${location.host}${ticket.path}`
}
