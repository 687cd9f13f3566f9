import { useNavigate } from '@tanstack/react-router'
import { Command } from 'cmdk'
import { Disc3, type LucideIcon, Monitor, Network, Play, Plus, Power, Server, ShieldHalf, Terminal } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useCollection } from '@/api/use'
import { useChange } from '@/features/tasks/change'
import { SIMPLE } from '@/features/vms/actions'
import { ProblemAlert } from '@/ui/ProblemAlert'
import { placesFor } from './navigation'
import { useSession } from './session'

const SHOWN = 8

interface Entry {
  key: string
  text: string
  more?: string
  icon: LucideIcon
  go: () => void
}

/** Everything by a few letters: places, objects, and what may be done with a VM. */
export default function CommandPalette({ close }: { close: () => void }) {
  const { t } = useTranslation()
  const [text, setText] = useState('')
  const change = useChange()
  const groups = useEntries(text.trim().toLowerCase(), close, change.run)
  return (
    <Command.Dialog
      open
      onOpenChange={open => !open && close()}
      label={t('search')}
      shouldFilter={false}
      className="palette"
    >
      <Command.Input value={text} onValueChange={setText} placeholder={t('palette.hint')} />
      <ProblemAlert problem={change.problem} onClose={change.clear} />
      <Command.List>
        <Command.Empty>{t('palette.nothing')}</Command.Empty>
        {groups.map(({ title, entries }) => (
          <Command.Group key={title} heading={title}>
            {entries.map(({ key, text: shown, more, icon: Icon, go }) => (
              <Command.Item key={key} value={key} onSelect={go}>
                <Icon size={16} aria-hidden />
                <span>{shown}</span>
                {more && <small>{more}</small>}
              </Command.Item>
            ))}
          </Command.Group>
        ))}
      </Command.List>
    </Command.Dialog>
  )
}

function useEntries(
  wanted: string,
  close: () => void,
  run: ReturnType<typeof useChange>['run'],
): { title: string; entries: Entry[] }[] {
  const { t } = useTranslation()
  const navigate = useNavigate()
  const { may } = useSession()
  const vms = useCollection('vm').rows
  const hosts = useCollection('host').rows
  const networks = useCollection('network').rows
  const groups = useCollection('security_group').rows
  const images = useCollection('image').rows
  const fits = (name: string) => name.toLowerCase().includes(wanted)
  const go =
    (to: string, params = {}, search = {}) =>
    () => {
      close()
      void navigate({ to, params, search })
    }
  const found = vms.filter(vm => fits(vm.name) || vm.addresses.some(fits)).slice(0, SHOWN)
  const actions: Entry[] = wanted
    ? found.slice(0, 3).flatMap(vm => [
        ...(['start', 'stop'] as const)
          .filter(action => vm.allowed_actions[action]?.allowed)
          .map(action => ({
            key: `${action} ${vm.id}`,
            text: `${t(`vm.do.${action}`)} ${vm.name}`,
            icon: action === 'start' ? Play : Power,
            go: () =>
              void run(`${t(`vm.do.${action}`)} ${vm.name}`, () => SIMPLE[action].ask(vm.id)).then(
                task => task && close(),
              ),
          })),
        ...(vm.allowed_actions.console?.allowed
          ? [
              {
                key: `console ${vm.id}`,
                text: `${t('console')} ${vm.name}`,
                icon: Terminal,
                go: go('/vms/$id', { id: vm.id }, { tab: 'console' }),
              },
            ]
          : []),
      ])
    : []
  const create: Entry[] =
    may('create_vm') && fits(t('vm.new')) ? [{ key: 'create', text: t('vm.new'), icon: Plus, go: go('/vms/new') }] : []
  const places = placesFor(may)
    .flatMap(group => group.places)
    .filter(place => fits(t(place.text)))
    .map(place => ({ key: place.to, text: t(place.text), icon: place.icon, go: go(place.to) }))
  const some = (rows: { id: string; name: string }[], icon: LucideIcon, to: string): Entry[] =>
    wanted
      ? rows
          .filter(row => fits(row.name))
          .slice(0, SHOWN)
          .map(row => ({
            key: row.id,
            text: row.name,
            icon,
            go: go(to, { id: row.id }, to.includes('$') ? {} : { q: row.name }),
          }))
      : []
  return [
    {
      title: t('vms'),
      entries: wanted
        ? found.map(vm => ({
            key: vm.id,
            text: vm.name,
            more: t(`state.${vm.state}`),
            icon: Monitor,
            go: go('/vms/$id', { id: vm.id }),
          }))
        : [],
    },
    { title: t('palette.actions'), entries: [...actions, ...create] },
    { title: t('hosts'), entries: some(hosts, Server, '/hosts/$id') },
    { title: t('networks'), entries: some(networks, Network, '/networks/$id') },
    { title: t('security_groups'), entries: some(groups, ShieldHalf, '/security-groups/$id') },
    { title: t('images'), entries: some(images, Disc3, '/images') },
    { title: t('palette.places'), entries: places },
  ].filter(group => group.entries.length > 0)
}
