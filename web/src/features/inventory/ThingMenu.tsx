import { useNavigate } from '@tanstack/react-router'
import { Dropdown, type MenuProps } from 'antd'
import { useTranslation } from 'react-i18next'
import {
  type ActionView,
  deleteImage,
  deleteNetwork,
  type HostView,
  type ImageView,
  type NetworkView,
  type PoolView,
  type VmView,
} from '@/api/generated'
import { MenuText } from '@/ui/MenuText'
import { HOST_ACTIONS, type HostAction, HostDialog } from '../hosts/HostActions'
import { PoolAsked } from '../hosts/PoolsPage'
import type { useChange } from '../tasks/change'
import { RemoveDialog } from '../tasks/RemoveDialog'
import { DIALOGS, type DialogAction, SIMPLE, type SimpleAction } from '../vms/actions'
import { VmDialog } from '../vms/VmActions'
import { pathOf } from './places'
import type { Line } from './tree'

/** What needs a dialog. */
export type Asked =
  | { kind: 'vm'; about: VmView; action: DialogAction }
  | { kind: 'host'; about: HostView; action: HostAction }
  | { kind: 'pool'; about: PoolView; action: 'edit' | 'delete' }
  | { kind: 'network'; about: NetworkView }
  | { kind: 'image'; about: ImageView }

interface Props {
  line: Line
  x: number
  y: number
  ask: (asked: Asked) => void
  run: ReturnType<typeof useChange>['run']
  close: () => void
}

type Items = NonNullable<MenuProps['items']>

/** What can be done with a line of the tree, where the pointer is; what cannot now is grey, with the API's reason. */
export function ThingMenu({ line, x, y, ask, run, close }: Props) {
  const { t } = useTranslation()
  const navigate = useNavigate()
  const actions = useActions(line)
  const items: Items = [
    { key: 'open', label: t('open') },
    ...(actions.length > 0 ? [{ type: 'divider' as const }] : []),
    ...actions.map(({ action, text, may, danger }) => ({
      key: action,
      danger,
      disabled: !may?.allowed,
      label: <MenuText text={text} reason={may?.reason} />,
    })),
  ]
  const choose = (action: string) => {
    close()
    if (action === 'open') void navigate(pathOf(line))
    else if (line.kind === 'vm' && action in SIMPLE) {
      const simple = action as SimpleAction
      void run(`${t(`vm.do.${simple}`)} ${line.about.name}`, () => SIMPLE[simple].ask(line.about.id))
    } else if (line.kind === 'vm') ask({ kind: 'vm', about: line.about, action: action as DialogAction })
    else if (line.kind === 'host') ask({ kind: 'host', about: line.about, action: action as HostAction })
    else if (line.kind === 'pool') ask({ kind: 'pool', about: line.about, action: action as 'edit' | 'delete' })
    else if (line.kind === 'network' || line.kind === 'image') ask({ kind: line.kind, about: line.about } as Asked)
  }
  return (
    <Dropdown
      open
      autoFocus
      trigger={['click']}
      placement={y > innerHeight / 2 ? 'topLeft' : 'bottomLeft'}
      menu={{ items, onClick: ({ key }) => choose(key), 'aria-label': t('inventory.menu'), className: 'thing-menu' }}
      onOpenChange={open => !open && close()}
    >
      <span className="tree-menu" style={{ left: x, top: y }} />
    </Dropdown>
  )
}

interface Offer {
  action: string
  text: string
  may: ActionView | undefined
  danger: boolean
}

function useActions(line: Line): Offer[] {
  const { t } = useTranslation()
  if (line.kind === 'vm') {
    const simple = Object.keys(SIMPLE) as SimpleAction[]
    const dialogs = Object.keys(DIALOGS) as DialogAction[]
    return [...simple, ...dialogs].map(action => ({
      action,
      text: t(`vm.do.${action}`),
      may: line.about.allowed_actions[action],
      danger: action === 'kill' || action === 'delete',
    }))
  }
  if (line.kind === 'host') {
    return HOST_ACTIONS.map(action => ({
      action,
      text: t(`host.do.${action}`),
      may: line.about.allowed_actions[action],
      danger: action === 'forget' || action === 'remove',
    }))
  }
  if (line.kind === 'pool') {
    return (['edit', 'delete'] as const).map(action => ({
      action,
      text: t(`vm.do.${action}`),
      may: line.about.allowed_actions[action],
      danger: action === 'delete',
    }))
  }
  if (line.kind === 'network' || line.kind === 'image') {
    return [{ action: 'delete', text: t('delete'), may: line.about.allowed_actions.delete, danger: true }]
  }
  return []
}

export function AskedDialog({ asked, close }: { asked: Asked; close: () => void }) {
  const { t } = useTranslation()
  if (asked.kind === 'vm') return <VmDialog vm={asked.about} dialog={asked.action} close={close} />
  if (asked.kind === 'host') return <HostDialog host={asked.about} action={asked.action} close={close} />
  if (asked.kind === 'pool') return <PoolAsked asked={{ action: asked.action, pool: asked.about }} close={close} />
  const path = { ref: asked.about.id }
  const remove = asked.kind === 'network' ? deleteNetwork : deleteImage
  return (
    <RemoveDialog
      noun={t(asked.kind)}
      name={asked.about.name}
      close={close}
      request={plan => remove({ path, query: { plan } })}
    />
  )
}
