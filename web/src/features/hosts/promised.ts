import { useMemo } from 'react'
import { useCollection } from '@/api/use'

/** Memory that is promised to running VMs, by host. */
export function usePromised(): ReadonlyMap<string, { memory: number; vms: number }> {
  const vms = useCollection('vm').rows
  return useMemo(() => {
    const promised = new Map<string, { memory: number; vms: number }>()
    for (const vm of vms) {
      if (!vm.host_id) continue
      const before = promised.get(vm.host_id) ?? { memory: 0, vms: 0 }
      promised.set(vm.host_id, {
        memory: before.memory + (vm.state === 'running' ? vm.memory : 0),
        vms: before.vms + 1,
      })
    }
    return promised
  }, [vms])
}
