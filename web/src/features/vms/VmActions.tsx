import { Button, Dropdown } from 'antd'
import { ChevronDown, Terminal } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { VmView } from '@/api/generated'
import type { TextKey } from '@/i18n'
import { ActionButton } from '@/ui/ActionButton'
import { MenuText } from '@/ui/MenuText'
import { DIALOGS, type DialogAction, SIMPLE, type SimpleAction, verdict } from './actions'
import { CloneDialog } from './CloneDialog'
import { DeleteDialog } from './DeleteDialog'
import { EditDialog } from './EditDialog'
import { MigrateDialog } from './MigrateDialog'

interface Props {
  vm: VmView
  run: (title: string, request: () => Promise<{ data?: unknown; error?: unknown }>) => Promise<unknown>
  busy: boolean
}

export const MORE: SimpleAction[] = ['restart', 'pause', 'resume', 'suspend', 'kill', 'repair']

/** Everything that can be done with a VM; what cannot now is grey, with the API's reason. */
export function VmActions({ vm, run, busy }: Props) {
  const { t } = useTranslation()
  const [dialog, setDialog] = useState<DialogAction>()
  const simple = (action: SimpleAction) =>
    run(`${t(`vm.do.${action}` as TextKey)} ${vm.name}`, () => SIMPLE[action].ask(vm.id))
  const close = () => setDialog(undefined)
  const icon = (Icon: typeof Terminal) => <Icon size={15} />
  const more = MORE.map(action => {
    const may = verdict(vm, action)
    return {
      key: action,
      icon: icon(SIMPLE[action].icon),
      danger: action === 'kill',
      disabled: !may?.allowed,
      title: may?.reason,
      label: <MenuText text={t(`vm.do.${action}` as TextKey)} reason={may?.reason} />,
    }
  })
  return (
    <>
      <ActionButton
        type="primary"
        icon={icon(SIMPLE.start.icon)}
        verdict={verdict(vm, 'start')}
        loading={busy}
        onClick={() => simple('start')}
      >
        {t('vm.do.start')}
      </ActionButton>
      <ActionButton icon={icon(SIMPLE.stop.icon)} verdict={verdict(vm, 'stop')} onClick={() => simple('stop')}>
        {t('vm.do.stop')}
      </ActionButton>
      <ActionButton
        icon={icon(Terminal)}
        verdict={verdict(vm, 'console')}
        onClick={() => window.open(`/console/${vm.id}`, `console-${vm.id}`, 'width=1064,height=860')}
      >
        {t('console')}
      </ActionButton>
      {(['edit', 'migrate', 'clone'] as const).map(action => (
        <ActionButton
          key={action}
          icon={icon(DIALOGS[action])}
          verdict={verdict(vm, action)}
          onClick={() => setDialog(action)}
        >
          {t(`vm.do.${action}`)}
        </ActionButton>
      ))}
      <Dropdown trigger={['click']} menu={{ items: more, onClick: ({ key }) => simple(key as SimpleAction) }}>
        <Button icon={<ChevronDown size={15} />} iconPlacement="end">
          {t('more')}
        </Button>
      </Dropdown>
      <ActionButton
        danger
        icon={icon(DIALOGS.delete)}
        verdict={verdict(vm, 'delete')}
        onClick={() => setDialog('delete')}
      >
        {t('vm.do.delete')}
      </ActionButton>
      {dialog && <VmDialog vm={vm} dialog={dialog} close={close} />}
    </>
  )
}

interface DialogProps {
  vm: VmView
  dialog: DialogAction
  /** Where it is to go, if that was said already. */
  host?: string | undefined
  close: () => void
}

export function VmDialog({ vm, dialog, host, close }: DialogProps) {
  if (dialog === 'edit') return <EditDialog vm={vm} close={close} />
  if (dialog === 'migrate') return <MigrateDialog vm={vm} close={close} {...(host ? { host } : {})} />
  if (dialog === 'clone') return <CloneDialog vm={vm} close={close} />
  return <DeleteDialog vm={vm} close={close} />
}
