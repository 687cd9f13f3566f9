import { Link } from '@tanstack/react-router'
import { Globe, Lock } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import type { NetworkView, VmView } from '@/api/generated'
import { toneOf } from '@/ui/StateMark'
import { NetworkLink } from './links'

const NETWORKS = 8
const MEMBERS = 40

/** Networks as lines with their VMs on them, and whether a line leads outside. */
export function Topology({ networks, vms }: { networks: NetworkView[]; vms: VmView[] }) {
  const { t } = useTranslation()
  if (networks.length === 0 || networks.length > NETWORKS) return null
  return (
    <section className="topology" aria-label={t('network.topology')}>
      {networks.map(network => {
        const members = vms.filter(vm => vm.nics.some(nic => nic.network_id === network.id))
        return (
          <div key={network.id} className="wire">
            <div className="wire-end">
              {network.kind === 'nat' ? (
                <Globe size={18} aria-label={t('network.nat')} />
              ) : (
                <Lock size={18} aria-label={t('network.isolated')} />
              )}
            </div>
            <div className="wire-line">
              <NetworkLink id={network.id} name={network.name} /> <span className="mono quiet">{network.cidr}</span>
            </div>
            <div className="wire-members">
              {members.slice(0, MEMBERS).map(vm => (
                <Link
                  key={vm.id}
                  to="/vms/$id"
                  params={{ id: vm.id }}
                  className={`wire-vm state-${toneOf(vm.state)}`}
                  title={`${vm.name} · ${t(`state.${vm.state}`)}`}
                >
                  {vm.name}
                </Link>
              ))}
              {members.length > MEMBERS && <span className="quiet">+{members.length - MEMBERS}</span>}
            </div>
          </div>
        )
      })}
    </section>
  )
}
