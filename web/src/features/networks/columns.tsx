import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import { useNames } from '@/api/use'
import { StateMark } from '@/ui/StateMark'
import type { Column } from '@/ui/VirtualTable'
import { NetworkLink, VmLink } from './links'

/** Something of a network that leads to a VM. */
interface Leading {
  state: string
  network_id: string
  vm_id: string
}

/** The columns that all such lists have: state, network, and the VM that it leads to. */
export function useLeadingColumns<T extends Leading>(): Column<T>[] {
  const { t } = useTranslation()
  const network = useNames('network').name
  const vm = useNames('vm').name
  return useMemo<Column<T>[]>(
    () => [
      {
        key: 'state',
        title: t('state'),
        width: 130,
        value: one => one.state,
        render: one => <StateMark state={one.state} />,
      },
      {
        key: 'network',
        title: t('network'),
        width: 150,
        grow: 1,
        value: one => network(one.network_id),
        render: one => <NetworkLink id={one.network_id} name={network(one.network_id)} />,
      },
      {
        key: 'vm',
        title: t('floating.leads'),
        width: 160,
        grow: 1,
        value: one => vm(one.vm_id),
        render: one => <VmLink id={one.vm_id} name={vm(one.vm_id)} />,
      },
    ],
    [t, network, vm],
  )
}
