import { createRootRoute, createRoute, createRouter, lazyRouteComponent, Outlet } from '@tanstack/react-router'
import { Shell } from '@/app/Shell'
import { readView } from '@/ui/view'
import { NotFound } from './NotFound'

const root = createRootRoute({ component: Outlet, notFoundComponent: NotFound, validateSearch: readView })
const shell = createRoute({ getParentRoute: () => root, id: 'shell', component: Shell })

const at = shell
const pages = [
  createRoute({
    getParentRoute: () => at,
    path: '/',
    component: lazyRouteComponent(() => import('@/features/home/HomePage'), 'HomePage'),
  }),
  createRoute({
    getParentRoute: () => at,
    path: '/inventory',
    component: lazyRouteComponent(() => import('@/features/inventory/InventoryPage'), 'InventoryPage'),
  }),
  createRoute({
    getParentRoute: () => at,
    path: '/vms',
    component: lazyRouteComponent(() => import('@/features/vms/VmsPage'), 'VmsPage'),
  }),
  createRoute({
    getParentRoute: () => at,
    path: '/vms/new',
    component: lazyRouteComponent(() => import('@/features/vms/CreatePage'), 'CreatePage'),
  }),
  createRoute({
    getParentRoute: () => at,
    path: '/vms/$id',
    component: lazyRouteComponent(() => import('@/features/vms/VmPage'), 'VmPage'),
  }),
  createRoute({
    getParentRoute: () => at,
    path: '/hosts',
    component: lazyRouteComponent(() => import('@/features/hosts/HostsPage'), 'HostsPage'),
  }),
  createRoute({
    getParentRoute: () => at,
    path: '/hosts/$id',
    component: lazyRouteComponent(() => import('@/features/hosts/HostPage'), 'HostPage'),
  }),
  createRoute({
    getParentRoute: () => at,
    path: '/pools',
    component: lazyRouteComponent(() => import('@/features/hosts/PoolsPage'), 'PoolsPage'),
  }),
  createRoute({
    getParentRoute: () => at,
    path: '/networks',
    component: lazyRouteComponent(() => import('@/features/networks/NetworksPage'), 'NetworksPage'),
  }),
  createRoute({
    getParentRoute: () => at,
    path: '/networks/$id',
    component: lazyRouteComponent(() => import('@/features/networks/NetworkPage'), 'NetworkPage'),
  }),
  createRoute({
    getParentRoute: () => at,
    path: '/routers',
    component: lazyRouteComponent(() => import('@/features/routers/RoutersPage'), 'RoutersPage'),
  }),
  createRoute({
    getParentRoute: () => at,
    path: '/security-groups',
    component: lazyRouteComponent(() => import('@/features/securityGroups/SecurityGroupsPage'), 'SecurityGroupsPage'),
  }),
  createRoute({
    getParentRoute: () => at,
    path: '/security-groups/$id',
    component: lazyRouteComponent(() => import('@/features/securityGroups/SecurityGroupPage'), 'SecurityGroupPage'),
  }),
  createRoute({
    getParentRoute: () => at,
    path: '/packet',
    component: lazyRouteComponent(() => import('@/features/packet/PacketPage'), 'PacketPage'),
  }),
  createRoute({
    getParentRoute: () => at,
    path: '/floating-ips',
    component: lazyRouteComponent(() => import('@/features/floating/FloatingIpsPage'), 'FloatingIpsPage'),
  }),
  createRoute({
    getParentRoute: () => at,
    path: '/forwards',
    component: lazyRouteComponent(() => import('@/features/forwards/ForwardsPage'), 'ForwardsPage'),
  }),
  createRoute({
    getParentRoute: () => at,
    path: '/volumes',
    component: lazyRouteComponent(() => import('@/features/volumes/VolumesPage'), 'VolumesPage'),
  }),
  createRoute({
    getParentRoute: () => at,
    path: '/images',
    component: lazyRouteComponent(() => import('@/features/images/ImagesPage'), 'ImagesPage'),
  }),
  createRoute({
    getParentRoute: () => at,
    path: '/tasks',
    component: lazyRouteComponent(() => import('@/features/tasks/TasksPage'), 'TasksPage'),
  }),
  createRoute({
    getParentRoute: () => at,
    path: '/alarms',
    component: lazyRouteComponent(() => import('@/features/alarms/AlarmsPage'), 'AlarmsPage'),
  }),
  createRoute({
    getParentRoute: () => at,
    path: '/health',
    component: lazyRouteComponent(() => import('@/features/health/HealthPage'), 'HealthPage'),
  }),
  createRoute({
    getParentRoute: () => at,
    path: '/wall',
    component: lazyRouteComponent(() => import('@/features/wall/WallPage'), 'WallPage'),
  }),
  createRoute({
    getParentRoute: () => at,
    path: '/users',
    component: lazyRouteComponent(() => import('@/features/users/UsersPage'), 'UsersPage'),
  }),
  createRoute({
    getParentRoute: () => at,
    path: '/groups',
    component: lazyRouteComponent(() => import('@/features/users/GroupsPage'), 'GroupsPage'),
  }),
  createRoute({
    getParentRoute: () => at,
    path: '/policies',
    component: lazyRouteComponent(() => import('@/features/users/PoliciesPage'), 'PoliciesPage'),
  }),
  createRoute({
    getParentRoute: () => at,
    path: '/projects',
    component: lazyRouteComponent(() => import('@/features/projects/ProjectsPage'), 'ProjectsPage'),
  }),
  createRoute({
    getParentRoute: () => at,
    path: '/roles',
    component: lazyRouteComponent(() => import('@/features/users/RolesPage'), 'RolesPage'),
  }),
  createRoute({
    getParentRoute: () => at,
    path: '/account',
    component: lazyRouteComponent(() => import('@/features/users/AccountPage'), 'AccountPage'),
  }),
  createRoute({
    getParentRoute: () => at,
    path: '/audit',
    component: lazyRouteComponent(() => import('@/features/audit/AuditPage'), 'AuditPage'),
  }),
]
const console_ = createRoute({
  getParentRoute: () => root,
  path: '/console/$id',
  component: lazyRouteComponent(() => import('@/features/consoles/ConsolePage'), 'ConsolePage'),
})

export const router = createRouter({
  routeTree: root.addChildren([shell.addChildren(pages), console_]),
  defaultPreload: 'intent',
  scrollRestoration: true,
})

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}
