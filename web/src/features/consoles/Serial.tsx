import '@xterm/xterm/css/xterm.css'
import { FitAddon } from '@xterm/addon-fit'
import { Terminal } from '@xterm/xterm'
import { type Ref, useCallback, useEffect, useImperativeHandle, useRef } from 'react'
import { ConsoleFrame } from './ConsoleFrame'
import { useConsoleLink } from './link'
import { consoleUrl } from './open'
import type { ConsoleHandle } from './Screen'

const BYTES: Record<number, string> = { 65307: '\u001b', 65289: '\t' }

/** A VM's serial console. */
export function Serial({ vmId, handle }: { vmId: string; handle: Ref<ConsoleHandle> }) {
  const place = useRef<HTMLDivElement>(null)
  const terminal = useRef<Terminal>(undefined)
  const socket = useRef<WebSocket>(undefined)
  const send = useCallback((text: string) => {
    if (socket.current?.readyState === WebSocket.OPEN) socket.current.send(new TextEncoder().encode(text))
  }, [])
  useEffect(() => {
    if (!place.current) return
    const made = new Terminal({
      cursorBlink: true,
      fontSize: 14,
      fontFamily: 'ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace',
      screenReaderMode: true,
      scrollback: 5000,
    })
    const fit = new FitAddon()
    made.loadAddon(fit)
    made.open(place.current)
    made.onData(send)
    terminal.current = made
    const observer = new ResizeObserver(() => fit.fit())
    observer.observe(place.current)
    made.focus()
    return () => {
      observer.disconnect()
      made.dispose()
    }
  }, [send])
  const connect = useCallback(
    async ({ up, down }: { up: () => void; down: () => void }) => {
      const made = new WebSocket(await consoleUrl(vmId, 'serial'))
      made.binaryType = 'arraybuffer'
      made.onopen = up
      made.onclose = down
      made.onmessage = message => terminal.current?.write(new Uint8Array(message.data))
      socket.current = made
      return () => made.close()
    },
    [vmId],
  )
  const link = useConsoleLink(connect)
  useImperativeHandle(
    handle,
    () => ({
      type: send,
      press: keysyms => send(keysyms.map(keysym => BYTES[keysym] ?? '').join('')),
      release: () => terminal.current?.blur(),
      focus: () => terminal.current?.focus(),
    }),
    [send],
  )
  return (
    <ConsoleFrame link={link}>
      <div ref={place} className="console-serial" data-state={link.state} />
    </ConsoleFrame>
  )
}
