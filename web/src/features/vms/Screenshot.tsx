import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { MonitorOff } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { ask } from '@/api/ask'
import { getScreenshot, type VmView } from '@/api/generated'

const EVERY = 5000

/** The guest's screen as it is, looked at every few seconds while somebody looks at the page. */
export function Screenshot({ vm }: { vm: VmView }) {
  const { t } = useTranslation()
  const shown = vm.allowed_actions.console?.allowed ?? false
  const { data } = useQuery({
    queryKey: ['screenshot', vm.id],
    queryFn: async () =>
      asDataUrl((await ask(getScreenshot({ path: { ref: vm.id }, parseAs: 'blob' }))) as unknown as Blob),
    enabled: shown,
    refetchInterval: EVERY,
    retry: false,
  })
  if (!shown || !data) {
    return (
      <div className="screen screen-off">
        <MonitorOff size={28} aria-hidden />
        <span>{vm.allowed_actions.console?.reason || t('vm.no_screen')}</span>
      </div>
    )
  }
  return (
    <Link to="/vms/$id" params={{ id: vm.id }} search={{ tab: 'console' }} className="screen" title={t('console.open')}>
      <img src={data} alt={t('vm.screen_of', { name: vm.name })} />
    </Link>
  )
}

function asDataUrl(picture: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader()
    reader.onload = () => resolve(String(reader.result))
    reader.onerror = () => reject(reader.error)
    reader.readAsDataURL(picture)
  })
}
