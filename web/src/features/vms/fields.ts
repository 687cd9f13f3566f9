import type { VmView } from '@/api/generated'
import type { Fields } from '@/ui/filter'

interface Names {
  host: (id: string | null) => string
  network: (id: string) => string
  project: (id: string) => string
}

/** What VMs can be filtered by. */
export function vmFields(names: Names): Fields<VmView> {
  return {
    '': vm => [vm.name, vm.description, ...vm.tags, ...addressesOf(vm)],
    tag: vm => vm.tags,
    power: vm => vm.state,
    host: vm => names.host(vm.host_id),
    net: vm => vm.nics.map(nic => names.network(nic.network_id)),
    project: vm => names.project(vm.project_id),
    label: vm => vm.label,
    os: vm => vm.guest?.os_name ?? '',
    is: vm => [...(vm.protected ? ['protected'] : []), ...(vm.restart_pending ? ['pending'] : [])],
    name: vm => vm.name,
    id: vm => vm.id,
  }
}

/** The guest's own addresses, else those that networks gave it. */
export function addressesOf(vm: VmView): string[] {
  return vm.addresses.length > 0 ? vm.addresses : vm.nics.map(nic => nic.address).filter(Boolean)
}
