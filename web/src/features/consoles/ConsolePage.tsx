import { useParams } from '@tanstack/react-router'
import { Spin } from 'antd'
import { useEffect } from 'react'
import { ask } from '@/api/ask'
import { getVm } from '@/api/generated'
import { useOne } from '@/api/use'
import { ProblemAlert } from '@/ui/ProblemAlert'
import ConsolePanel from './ConsolePanel'

/** A console in a window of its own. */
export function ConsolePage() {
  const { id = '' } = useParams({ strict: false })
  const { one: vm, problem, retry } = useOne('vm', id, () => ask(getVm({ path: { ref: id } })))
  useEffect(() => {
    if (vm) document.title = `${vm.name} · Altus`
  }, [vm])
  if (!vm) return problem ? <ProblemAlert problem={problem} retry={retry} /> : <Spin />
  return <ConsolePanel vmId={vm.id} name={vm.name} alone />
}
