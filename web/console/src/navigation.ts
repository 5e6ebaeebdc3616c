import {
  type Icon,
  IconActivityHeartbeat,
  IconAddressBook,
  IconBuildingStore,
  IconChartBar,
  IconClockPause,
  IconClockX,
  IconCoin,
  IconDeviceMobileMessage,
  IconHandStop,
  IconHistory,
  IconKey,
  IconPhone,
  IconPuzzle,
  IconScale,
  IconSend,
} from '@tabler/icons-react'

/** One page of the navigation: who may see it, and what it is called in the texts of the frame. */
export type Entry = {
  path:
    | '/campaigns'
    | '/analytics'
    | '/held'
    | '/opt-outs'
    | '/phones'
    | '/admin/users'
    | '/admin/skills'
    | '/admin/senders'
    | '/admin/keys'
    | '/admin/policy'
    | '/admin/account'
    | '/admin/prices'
    | '/admin/retention'
    | '/admin/audit'
    | '/admin/health'
  text: string
  icon: Icon
  permission: string
  group: 'messaging' | 'administration'
  /** Shown only while the carrier lab runs. */
  lab?: true
}

export const navigation: Entry[] = [
  { path: '/campaigns', text: 'campaigns', icon: IconSend, permission: 'campaigns:read', group: 'messaging' },
  { path: '/analytics', text: 'analytics', icon: IconChartBar, permission: 'figures:read', group: 'messaging' },
  { path: '/held', text: 'held', icon: IconClockPause, permission: 'messages:resolve', group: 'messaging' },
  { path: '/opt-outs', text: 'optOuts', icon: IconHandStop, permission: 'opt_outs:read', group: 'messaging' },
  { path: '/phones', text: 'phones', icon: IconDeviceMobileMessage, permission: 'campaigns:read', group: 'messaging', lab: true },
  { path: '/admin/users', text: 'users', icon: IconAddressBook, permission: 'users:read', group: 'administration' },
  { path: '/admin/skills', text: 'skills', icon: IconPuzzle, permission: 'skills:write', group: 'administration' },
  { path: '/admin/senders', text: 'senders', icon: IconPhone, permission: 'senders:write', group: 'administration' },
  { path: '/admin/keys', text: 'keys', icon: IconKey, permission: 'keys:read', group: 'administration' },
  { path: '/admin/policy', text: 'policy', icon: IconScale, permission: 'account:write', group: 'administration' },
  { path: '/admin/account', text: 'account', icon: IconBuildingStore, permission: 'account:write', group: 'administration' },
  { path: '/admin/prices', text: 'prices', icon: IconCoin, permission: 'prices:write', group: 'administration' },
  { path: '/admin/retention', text: 'retention', icon: IconClockX, permission: 'retention:read', group: 'administration' },
  { path: '/admin/audit', text: 'audit', icon: IconHistory, permission: 'audit:read', group: 'administration' },
  { path: '/admin/health', text: 'health', icon: IconActivityHeartbeat, permission: 'account:write', group: 'administration' },
]

/** The page of the navigation that an address belongs to. */
export const entryOf = (path: string): Entry | undefined => navigation.find((e) => path === e.path || path.startsWith(`${e.path}/`))
