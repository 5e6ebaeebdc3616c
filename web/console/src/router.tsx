import type { QueryClient } from '@tanstack/react-query'
import { createRootRouteWithContext, createRoute, createRouter, lazyRouteComponent, Outlet, redirect } from '@tanstack/react-router'
import { queryClient } from './api/client'
import { can, sessionQuery } from './auth/session'
import { serverQuery } from './features/phones/lab'
import { navigation } from './navigation'
import { Failed, NotFound } from './ui/Trouble'

const root = createRootRouteWithContext<{ queryClient: QueryClient }>()({
  component: Outlet,
  notFoundComponent: NotFound,
  errorComponent: Failed,
})

type Login = { next?: string; failed?: string }

const login = createRoute({
  getParentRoute: () => root,
  path: '/login',
  validateSearch: (s: Record<string, unknown>): Login => ({
    ...(typeof s.next === 'string' ? { next: s.next } : {}),
    ...(typeof s.failed === 'string' ? { failed: s.failed } : {}),
  }),
  component: lazyRouteComponent(() => import('./features/access/SignIn'), 'SignIn'),
})

const setup = createRoute({
  getParentRoute: () => root,
  path: '/setup',
  component: lazyRouteComponent(() => import('./features/access/SetUp'), 'SetUp'),
})

/**
 * Who is signed in, or null. What the server is comes with it, because the note of a carrier lab stands above every page and would push it down
 * when it came later. Without an answer the page goes without the note.
 */
async function meAndServer(client: QueryClient) {
  const [me] = await Promise.all([client.ensureQueryData(sessionQuery), client.ensureQueryData(serverQuery).catch(() => undefined)])
  return me
}

/** Everything behind the sign-in. Whether a person may see a page is decided by Frame from the navigation; the server judges again. */
const frame = createRoute({
  getParentRoute: () => root,
  id: 'frame',
  beforeLoad: async ({ context, location }) => {
    const me = await meAndServer(context.queryClient)
    if (!me) throw redirect({ to: '/login', search: { next: location.href } })
    return { me }
  },
  component: lazyRouteComponent(() => import('./ui/Frame'), 'Frame'),
})

const behind = () => frame

const home = createRoute({
  getParentRoute: behind,
  path: '/',
  beforeLoad: ({ context }) => {
    const first = navigation.find((entry) => can(context.me, entry.permission))
    if (first) throw redirect({ to: first.path })
  },
  component: lazyRouteComponent(() => import('./features/access/Nothing'), 'Nothing'),
})

const account = createRoute({
  getParentRoute: behind,
  path: '/account',
  component: lazyRouteComponent(() => import('./features/access/OwnAccount'), 'OwnAccount'),
})

// Search parameters of a page belong to the page: it validates them with zod/mini where it reads them.
const anySearch = (s: Record<string, unknown>): Record<string, unknown> => s

const campaigns = createRoute({
  getParentRoute: behind,
  path: '/campaigns',
  validateSearch: anySearch,
  component: lazyRouteComponent(() => import('./features/campaigns/CampaignsPage'), 'CampaignsPage'),
})
const campaign = createRoute({
  getParentRoute: behind,
  path: '/campaigns/$campaign',
  validateSearch: anySearch,
  component: lazyRouteComponent(() => import('./features/campaign/CampaignPage'), 'CampaignPage'),
})
const recipient = createRoute({
  getParentRoute: behind,
  path: '/campaigns/$campaign/recipients/$recipient',
  validateSearch: anySearch,
  component: lazyRouteComponent(() => import('./features/campaign/RecipientPage'), 'RecipientPage'),
})
const wizard = createRoute({
  getParentRoute: behind,
  path: '/campaigns/$campaign/edit',
  validateSearch: anySearch,
  component: lazyRouteComponent(() => import('./features/wizard/WizardPage'), 'WizardPage'),
})
const analytics = createRoute({
  getParentRoute: behind,
  path: '/analytics',
  validateSearch: anySearch,
  component: lazyRouteComponent(() => import('./features/analytics/AnalyticsPage'), 'AnalyticsPage'),
})
const held = createRoute({
  getParentRoute: behind,
  path: '/held',
  validateSearch: anySearch,
  component: lazyRouteComponent(() => import('./features/held/HeldPage'), 'HeldPage'),
})
const optOuts = createRoute({
  getParentRoute: behind,
  path: '/opt-outs',
  validateSearch: anySearch,
  component: lazyRouteComponent(() => import('./features/optouts/OptOutsPage'), 'OptOutsPage'),
})
const phones = createRoute({
  getParentRoute: behind,
  path: '/phones',
  validateSearch: anySearch,
  component: lazyRouteComponent(() => import('./features/phones/PhonesPage'), 'PhonesPage'),
})
const users = createRoute({
  getParentRoute: behind,
  path: '/admin/users',
  validateSearch: anySearch,
  component: lazyRouteComponent(() => import('./features/admin/UsersPage'), 'UsersPage'),
})
const skills = createRoute({
  getParentRoute: behind,
  path: '/admin/skills',
  validateSearch: anySearch,
  component: lazyRouteComponent(() => import('./features/admin/SkillsPage'), 'SkillsPage'),
})
const senders = createRoute({
  getParentRoute: behind,
  path: '/admin/senders',
  validateSearch: anySearch,
  component: lazyRouteComponent(() => import('./features/admin/SendersPage'), 'SendersPage'),
})
const keys = createRoute({
  getParentRoute: behind,
  path: '/admin/keys',
  validateSearch: anySearch,
  component: lazyRouteComponent(() => import('./features/admin/KeysPage'), 'KeysPage'),
})
const policy = createRoute({
  getParentRoute: behind,
  path: '/admin/policy',
  validateSearch: anySearch,
  component: lazyRouteComponent(() => import('./features/admin/PolicyPage'), 'PolicyPage'),
})
const limits = createRoute({
  getParentRoute: behind,
  path: '/admin/account',
  validateSearch: anySearch,
  component: lazyRouteComponent(() => import('./features/admin/AccountPage'), 'AccountPage'),
})
const retention = createRoute({
  getParentRoute: behind,
  path: '/admin/retention',
  validateSearch: anySearch,
  component: lazyRouteComponent(() => import('./features/admin/RetentionPage'), 'RetentionPage'),
})
const prices = createRoute({
  getParentRoute: behind,
  path: '/admin/prices',
  validateSearch: anySearch,
  component: lazyRouteComponent(() => import('./features/admin/PricesPage'), 'PricesPage'),
})
const audit = createRoute({
  getParentRoute: behind,
  path: '/admin/audit',
  validateSearch: anySearch,
  component: lazyRouteComponent(() => import('./features/admin/AuditPage'), 'AuditPage'),
})
const health = createRoute({
  getParentRoute: behind,
  path: '/admin/health',
  validateSearch: anySearch,
  component: lazyRouteComponent(() => import('./features/admin/HealthPage'), 'HealthPage'),
})

const routeTree = root.addChildren([
  login,
  setup,
  frame.addChildren([
    home,
    account,
    campaigns,
    campaign,
    recipient,
    wizard,
    analytics,
    held,
    optOuts,
    phones,
    users,
    skills,
    senders,
    keys,
    policy,
    limits,
    prices,
    retention,
    audit,
    health,
  ]),
])

export const router = createRouter({
  routeTree,
  context: { queryClient },
  defaultPreload: 'intent',
  defaultPreloadStaleTime: 0,
  scrollRestoration: true,
})

/** Starts at once what the page of an address will ask for anyway, which would otherwise come one after the other. */
export function start(path: string): void {
  const [matched] = router.getMatchedRoutes(path)
  for (const route of matched) void router.loadRouteChunk(route)
  if (matched.some((route) => route.id === frame.id)) meAndServer(queryClient).catch(() => {}) // the route asks again, and says why
}

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}
