import {
  Activity,
  Bell,
  Boxes,
  Disc3,
  Fingerprint,
  FolderKanban,
  HardDrive,
  House,
  KeyRound,
  ListTree,
  type LucideIcon,
  MapPin,
  Monitor,
  Network,
  Presentation,
  Route,
  Router,
  Scale,
  ScrollText,
  Server,
  ShieldCheck,
  ShieldHalf,
  Users,
  UsersRound,
  Waypoints,
} from 'lucide-react'
import type { TextKey } from '@/i18n'

export interface Place {
  to: string
  text: TextKey
  icon: LucideIcon
  /** The operation of the API without which there is nothing to see here; none: it is everybody's. */
  needs?: string
}

/** Where one can go, in groups. */
export const PLACES: { text: TextKey; places: Place[] }[] = [
  {
    text: 'nav.overview',
    places: [
      { to: '/', text: 'home', icon: House },
      { to: '/health', text: 'health', icon: Activity, needs: 'list_vms' },
      { to: '/wall', text: 'wall', icon: Presentation, needs: 'list_vms' },
    ],
  },
  {
    text: 'nav.resources',
    places: [
      { to: '/inventory', text: 'inventory', icon: ListTree, needs: 'list_vms' },
      { to: '/vms', text: 'vms', icon: Monitor, needs: 'list_vms' },
      { to: '/hosts', text: 'hosts', icon: Server, needs: 'list_hosts' },
      { to: '/pools', text: 'pools', icon: Boxes, needs: 'list_pools' },
      { to: '/volumes', text: 'volumes', icon: HardDrive, needs: 'list_volumes' },
      { to: '/images', text: 'images', icon: Disc3, needs: 'list_images' },
      { to: '/projects', text: 'projects', icon: FolderKanban, needs: 'list_projects' },
    ],
  },
  {
    text: 'nav.networks',
    places: [
      { to: '/networks', text: 'networks', icon: Network, needs: 'list_networks' },
      { to: '/routers', text: 'routers', icon: Router, needs: 'list_routers' },
      { to: '/security-groups', text: 'security_groups', icon: ShieldHalf, needs: 'list_security_groups' },
      { to: '/floating-ips', text: 'floatings', icon: MapPin, needs: 'list_floating_ips' },
      { to: '/forwards', text: 'forwards', icon: Waypoints, needs: 'list_forwards' },
      { to: '/packet', text: 'packet', icon: Route, needs: 'explain_network' },
    ],
  },
  {
    text: 'nav.operations',
    places: [
      { to: '/tasks', text: 'tasks', icon: ScrollText, needs: 'list_tasks' },
      { to: '/alarms', text: 'alarms', icon: Bell, needs: 'list_alarms' },
    ],
  },
  {
    text: 'nav.security',
    places: [
      { to: '/users', text: 'users', icon: Users, needs: 'list_users' },
      { to: '/groups', text: 'groups', icon: UsersRound, needs: 'list_groups' },
      { to: '/roles', text: 'roles', icon: ShieldCheck, needs: 'list_roles' },
      { to: '/policies', text: 'policies', icon: Scale, needs: 'get_policy' },
      { to: '/audit', text: 'audit', icon: Fingerprint, needs: 'list_audit' },
      { to: '/account', text: 'account', icon: KeyRound },
    ],
  },
]

/** What somebody with these rights can go to. */
export const placesFor = (may: (operation: string) => boolean) =>
  PLACES.map(group => ({ ...group, places: group.places.filter(({ needs }) => !needs || may(needs)) })).filter(
    group => group.places.length > 0,
  )
