import { useMemo } from 'react'
import { useCollection } from '@/api/use'

const byName = (one: { label: string }, other: { label: string }) => one.label.localeCompare(other.label)

/** Networks with a way out, to choose from. */
export function useNetworkChoices() {
  const { rows } = useCollection('network')
  return useMemo(
    () =>
      rows
        .filter(network => network.kind === 'nat')
        .map(network => ({ value: network.id, label: `${network.name} · ${network.cidr}` }))
        .sort(byName),
    [rows],
  )
}

/** The NICs on a network, to choose from; a choice is `vm nic`. */
export function useNicChoices(networkId: string | undefined) {
  const { rows } = useCollection('vm')
  return useMemo(
    () =>
      rows
        .flatMap(vm =>
          vm.nics
            .filter(nic => nic.network_id === networkId)
            .map(nic => ({ value: `${vm.id} ${nic.id}`, label: `${vm.name} · ${nic.address || nic.mac}` })),
        )
        .sort(byName),
    [rows, networkId],
  )
}

export function readNic(choice: string): { vm: string; nic: string } {
  const [vm = '', nic = ''] = choice.split(' ')
  return { vm, nic }
}
