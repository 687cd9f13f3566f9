import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { useCollection } from '@/api/use'
import { bytes } from '@/ui/format'
import { Meter } from '@/ui/Page'
import { usePromised } from './promised'

/** How much of each host its VMs have been promised. */
export function HostMeters() {
  const { t } = useTranslation()
  const hosts = useCollection('host').rows
  const promised = usePromised()
  return (
    <ul className="host-meters">
      {hosts.map(host => {
        const used = promised.get(host.id)?.memory ?? 0
        const memory = host.facts?.memory ?? 0
        return (
          <li key={host.id}>
            <Link to="/hosts/$id" params={{ id: host.id }}>
              {host.name}
            </Link>
            <Meter
              used={memory ? used / memory : 0}
              label={memory ? t('home.memory', { used: bytes(used), all: bytes(memory) }) : t(`state.${host.state}`)}
            />
          </li>
        )
      })}
    </ul>
  )
}
