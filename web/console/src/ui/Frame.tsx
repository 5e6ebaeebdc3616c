import '@mantine/notifications/styles.css'
import '@mantine/spotlight/styles.css'
import { AppShell, Burger, Button, Divider, Group, Kbd, NavLink, ScrollArea, Stack, Text, Title } from '@mantine/core'
import { useDisclosure, useHotkeys, useLocalStorage } from '@mantine/hooks'
import { ModalsProvider } from '@mantine/modals'
import { Notifications } from '@mantine/notifications'
import { IconFlask, IconSearch } from '@tabler/icons-react'
import { Link, Outlet, useLocation, useNavigate, useRouteContext } from '@tanstack/react-router'
import { useEffect, useRef } from 'react'
import { useTranslation } from 'react-i18next'
import { can } from '@/auth/session'
import { useLab } from '@/features/phones/lab'
import { Live } from '@/live/bridge'
import { entryOf, navigation } from '@/navigation'
import { CommandPalette, openPalette } from './CommandPalette'
import { LiveBadge } from './LiveBadge'
import { Logo } from './Logo'
import { OwnMenu } from './OwnMenu'
import { ShortcutSheet, singleKeys } from './ShortcutSheet'

/** Header, navigation and the page. Wakes the one WebSocket of the tab. */
export function Frame() {
  const { t } = useTranslation('frame')
  const { me } = useRouteContext({ from: '/frame' })
  const path = useLocation({ select: (l) => l.pathname })
  const navigate = useNavigate()
  const [opened, { toggle, close }] = useDisclosure()
  const [sheet, showSheet] = useDisclosure()
  const [letters] = useLocalStorage({ key: singleKeys, defaultValue: true })
  const lab = useLab()
  const main = useRef<HTMLElement>(null)
  const last = useRef(path)

  // After a change of page, the focus goes to its content and screen readers hear where they are.
  useEffect(() => {
    if (last.current !== path) main.current?.focus({ preventScroll: true })
    last.current = path
    close()
  }, [path, close])

  const newCampaign = () => void navigate({ to: '/campaigns', search: { new: true } })
  useHotkeys([['mod+K', openPalette]])
  useHotkeys(
    letters
      ? [
          ['shift+?', showSheet.open],
          ['n', () => can(me, 'campaigns:write') && newCampaign()],
          ['/', () => document.querySelector<HTMLInputElement>('[data-page-search]')?.focus()],
        ]
      : [],
    ['INPUT', 'TEXTAREA', 'SELECT'],
  )

  const entries = navigation.filter((e) => can(me, e.permission) && (!e.lab || lab))
  const allowed = !entryOf(path) || entries.some((e) => e === entryOf(path))
  const groups = ['messaging', 'administration'] as const

  return (
    <Live>
      <ModalsProvider>
        <Notifications autoClose={8000} position="bottom-right" />
        <a className="skip" href="#content">
          {t('skip')}
        </a>
        <AppShell
          header={{ height: 56 }}
          navbar={{ width: 240, breakpoint: 'sm', collapsed: { mobile: !opened } }}
          padding={{ base: 'sm', sm: 'lg' }}
        >
          <AppShell.Header>
            <Group h="100%" px="md" justify="space-between" wrap="nowrap" gap="xs">
              <Group gap="xs" wrap="nowrap">
                <Burger opened={opened} onClick={toggle} hiddenFrom="sm" size="sm" aria-label={t(opened ? 'nav.close' : 'nav.open')} />
                <Link to="/" aria-label={t('product')} style={{ display: 'flex' }}>
                  <Logo />
                </Link>
                <Text fw={650} visibleFrom="xs">
                  {t('product')}
                </Text>
              </Group>
              <Group gap="xs" wrap="nowrap">
                <LiveBadge />
                <Button
                  variant="default"
                  size="xs"
                  leftSection={<IconSearch size={14} aria-hidden />}
                  onClick={openPalette}
                  aria-label={t('palette.open')}
                >
                  <Kbd size="xs">⌘K</Kbd>
                </Button>
                <OwnMenu me={me} onSheet={showSheet.open} />
              </Group>
            </Group>
          </AppShell.Header>
          <AppShell.Navbar aria-label={t('nav.label')} p="xs">
            <AppShell.Section grow component={ScrollArea}>
              {groups.map((group) => {
                const links = entries.filter((e) => e.group === group)
                if (links.length === 0) return null
                return (
                  <Stack key={group} gap={2} mb="sm">
                    {group === 'administration' && (
                      <Divider
                        label={t('nav.administration')}
                        labelPosition="left"
                        styles={{ label: { color: 'var(--mantine-color-dimmed)' } }}
                      />
                    )}
                    {links.map((e) => (
                      <NavLink
                        key={e.path}
                        component={Link}
                        to={e.path}
                        label={t(`nav.${e.text}`)}
                        leftSection={<e.icon size={18} stroke={1.6} aria-hidden />}
                        active={entryOf(path) === e}
                        aria-current={entryOf(path) === e ? 'page' : undefined}
                      />
                    ))}
                  </Stack>
                )
              })}
            </AppShell.Section>
          </AppShell.Navbar>
          <AppShell.Main id="content" ref={main} tabIndex={-1} style={{ outline: 'none' }}>
            {lab && (
              <Group
                gap="xs"
                px="sm"
                py={6}
                mb="md"
                wrap="nowrap"
                role="note"
                bg="var(--mantine-color-yellow-light)"
                style={{ borderRadius: 8 }}
              >
                <IconFlask size={18} aria-hidden style={{ flex: 'none' }} />
                <Text size="sm">{t('lab.banner')}</Text>
              </Group>
            )}
            {allowed ? (
              <Outlet />
            ) : (
              <Stack align="flex-start">
                <Title order={1}>{t('forbidden.title')}</Title>
                <Text>{t('forbidden.text', { role: me.role ? t(`role.${me.role}`) : '' })}</Text>
              </Stack>
            )}
          </AppShell.Main>
        </AppShell>
        <CommandPalette entries={entries} me={me} onNewCampaign={newCampaign} onSheet={showSheet.open} />
        <ShortcutSheet opened={sheet} onClose={showSheet.close} />
      </ModalsProvider>
    </Live>
  )
}
