import { Button, Dropdown, Input, Popover, Segmented } from 'antd'
import { ExternalLink, Keyboard, KeyboardOff, Maximize, Type } from 'lucide-react'
import { useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { SPECIAL } from './keysyms'
import { type ConsoleHandle, Screen } from './Screen'
import { Serial } from './Serial'

type Kind = 'vnc' | 'serial'

/** Screen and serial console of a VM with what one needs beside them. */
export default function ConsolePanel({ vmId, name, alone = false }: { vmId: string; name: string; alone?: boolean }) {
  const { t } = useTranslation()
  const [kind, setKind] = useState<Kind>('vnc')
  const console_ = useRef<ConsoleHandle>(null)
  const frame = useRef<HTMLDivElement>(null)
  const keys = Object.entries(SPECIAL).map(([label]) => ({ key: label, label }))
  const release = (event: React.KeyboardEvent) => {
    if (!(event.ctrlKey && event.altKey && event.shiftKey)) return
    console_.current?.release()
    frame.current?.querySelector<HTMLElement>('button')?.focus()
  }
  return (
    <div ref={frame} className={alone ? 'console console-alone' : 'console'} onKeyDownCapture={release}>
      <div className="console-bar" role="toolbar" aria-label={t('console')}>
        <Segmented<Kind>
          value={kind}
          onChange={setKind}
          options={[
            { value: 'vnc', label: t('console.screen') },
            { value: 'serial', label: t('console.serial') },
          ]}
          aria-label={t('console')}
        />
        <Dropdown
          trigger={['click']}
          menu={{
            items: keys,
            onClick: ({ key }) => {
              console_.current?.press(SPECIAL[key as keyof typeof SPECIAL])
              console_.current?.focus()
            },
          }}
        >
          <Button icon={<Keyboard size={15} />}>{t('console.keys')}</Button>
        </Dropdown>
        <TypeText type={text => console_.current?.type(text)} />
        <Button
          icon={<KeyboardOff size={15} />}
          onClick={() => console_.current?.release()}
          title={t('console.release_hint')}
        >
          {t('console.release')}
        </Button>
        <Button icon={<Maximize size={15} />} onClick={() => void frame.current?.requestFullscreen()}>
          {t('console.full')}
        </Button>
        {!alone && (
          <Button
            icon={<ExternalLink size={15} />}
            onClick={() => window.open(`/console/${vmId}`, `console-${vmId}`, 'width=1064,height=860')}
          >
            {t('console.window')}
          </Button>
        )}
        <span className="console-hint quiet">{t('console.release_hint')}</span>
      </div>
      {kind === 'vnc' ? <Screen vmId={vmId} name={name} handle={console_} /> : <Serial vmId={vmId} handle={console_} />}
    </div>
  )
}

/** Passwords and commands that cannot be pasted into a screen are typed there key by key. */
function TypeText({ type }: { type: (text: string) => void }) {
  const { t } = useTranslation()
  const [text, setText] = useState('')
  const [open, setOpen] = useState(false)
  const send = () => {
    type(text)
    setText('')
    setOpen(false)
  }
  const content = (
    <div className="type-text">
      <Input.TextArea
        value={text}
        onChange={event => setText(event.target.value)}
        rows={2}
        aria-label={t('console.type')}
        autoFocus
      />
      <Button type="primary" onClick={send} disabled={!text}>
        {t('console.type_now')}
      </Button>
    </div>
  )
  return (
    <Popover
      content={content}
      trigger="click"
      open={open}
      onOpenChange={setOpen}
      placement="bottomLeft"
      destroyOnHidden
    >
      <Button icon={<Type size={15} />}>{t('console.type')}</Button>
    </Popover>
  )
}
