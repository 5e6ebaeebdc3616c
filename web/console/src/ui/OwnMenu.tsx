import { ActionIcon, Menu, Text, useMantineColorScheme } from '@mantine/core'
import { IconKeyboard, IconLanguage, IconLogout, IconMoon, IconSettings, IconUser } from '@tabler/icons-react'
import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { api } from '@/api/client'
import type { Me } from '@/auth/session'
import { type Language, languages, speak } from '@/i18n'

const schemes = ['light', 'dark', 'auto'] as const

export function OwnMenu({ me, onSheet }: { me: Me; onSheet: () => void }) {
  const { t, i18n } = useTranslation('frame')
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  const client = useQueryClient()
  const navigate = useNavigate()
  const signOut = async () => {
    await api.DELETE('/v1/session').catch(() => undefined) // a session that is over already is what we want
    client.clear()
    await navigate({ to: '/login', search: {} })
  }
  // What the server said was in the other language.
  const choose = async (language: Language) => {
    await speak(language)
    await client.invalidateQueries()
  }
  return (
    <Menu position="bottom-end" width={260}>
      <Menu.Target>
        <ActionIcon variant="default" size="lg" radius="xl" aria-label={t('me.menu')}>
          <IconUser size={18} aria-hidden />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          <Text size="sm" c="var(--mantine-color-text)">
            {me.user?.name ?? me.account.name}
          </Text>
          <Text size="xs" c="dimmed">
            {me.user?.email} · {me.role ? t(`role.${me.role}`) : ''}
          </Text>
        </Menu.Label>
        <Menu.Item leftSection={<IconSettings size={16} aria-hidden />} onClick={() => void navigate({ to: '/account' })}>
          {t('me.password')}
        </Menu.Item>
        <Menu.Item leftSection={<IconKeyboard size={16} aria-hidden />} onClick={onSheet}>
          {t('keys.title')}
        </Menu.Item>
        <Menu.Divider />
        <Menu.Label>{t('me.scheme')}</Menu.Label>
        {schemes.map((scheme) => (
          <Menu.Item
            key={scheme}
            role="menuitemradio"
            aria-checked={colorScheme === scheme}
            leftSection={<IconMoon size={16} aria-hidden />}
            fw={colorScheme === scheme ? 650 : undefined}
            onClick={() => setColorScheme(scheme)}
          >
            {t(`me.${scheme === 'auto' ? 'system' : scheme}`)}
          </Menu.Item>
        ))}
        <Menu.Label>{t('me.language')}</Menu.Label>
        {Object.entries(languages).map(([code, name]) => (
          <Menu.Item
            key={code}
            role="menuitemradio"
            aria-checked={i18n.language === code}
            lang={code}
            leftSection={<IconLanguage size={16} aria-hidden />}
            fw={i18n.language === code ? 650 : undefined}
            onClick={() => void choose(code as Language)}
          >
            {name}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Item leftSection={<IconLogout size={16} aria-hidden />} onClick={() => void signOut()}>
          {t('me.signOut')}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}
