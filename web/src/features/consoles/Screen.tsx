import RFB from '@novnc/novnc'
import { type Ref, useCallback, useImperativeHandle, useRef } from 'react'
import { useTranslation } from 'react-i18next'
import { ConsoleFrame } from './ConsoleFrame'
import { keysFor, press } from './keysyms'
import { useConsoleLink } from './link'
import { consoleUrl } from './open'

/** What the toolbar may have a console do. */
export interface ConsoleHandle {
  type: (text: string) => void
  press: (keysyms: readonly number[]) => void
  release: () => void
  focus: () => void
}

interface Props {
  vmId: string
  name: string
  handle: Ref<ConsoleHandle>
}

/** A VM's screen, by RFB. */
export function Screen({ vmId, name, handle }: Props) {
  const { t } = useTranslation()
  const place = useRef<HTMLDivElement>(null)
  const rfb = useRef<RFB>(undefined)
  const connect = useCallback(
    async ({ up, down }: { up: () => void; down: () => void }) => {
      const url = await consoleUrl(vmId, 'vnc')
      if (!place.current) return () => {}
      const made = new RFB(place.current, url, { shared: true })
      made.scaleViewport = true
      made.background = 'transparent'
      made.addEventListener('connect', up)
      made.addEventListener('disconnect', down)
      made.addEventListener(
        'clipboard',
        event => void navigator.clipboard?.writeText(event.detail.text).catch(() => {}),
      )
      rfb.current = made
      return () => made.disconnect()
    },
    [vmId],
  )
  const link = useConsoleLink(connect)
  useImperativeHandle(handle, () => {
    const key = (keysym: number, down: boolean) => rfb.current?.sendKey(keysym, '', down)
    return {
      type: text => {
        for (const character of text) press(key, keysFor(character))
      },
      press: keysyms => press(key, keysyms),
      release: () => rfb.current?.blur(),
      focus: () => rfb.current?.focus(),
    }
  }, [])
  return (
    <ConsoleFrame link={link}>
      <div
        ref={place}
        className="console-screen"
        role="application"
        aria-label={t('vm.screen_of', { name })}
        data-state={link.state}
      />
    </ConsoleFrame>
  )
}
