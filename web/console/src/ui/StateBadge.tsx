import { Badge } from '@mantine/core'
import {
  type Icon,
  IconAlertTriangle,
  IconArchive,
  IconBan,
  IconCalendarClock,
  IconCheck,
  IconChecks,
  IconCircleDashed,
  IconClock,
  IconClockPause,
  IconGauge,
  IconMoon,
  IconPencil,
  IconPlayerPause,
  IconPlayerPlay,
  IconPlayerStop,
  IconSend,
  IconX,
} from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'

type Look = { icon: Icon; color: string }

// Filled with dark shades, so that white words on them reach AA in both schemes.
const looks: Record<string, Look> = {
  // of campaigns
  draft: { icon: IconPencil, color: 'gray.7' },
  scheduled: { icon: IconCalendarClock, color: 'grape.9' },
  running: { icon: IconPlayerPlay, color: 'indigo.8' },
  paused: { icon: IconPlayerPause, color: 'orange.9' },
  canceling: { icon: IconBan, color: 'gray.8' },
  completed: { icon: IconCheck, color: 'teal.9' },
  canceled: { icon: IconBan, color: 'gray.8' },
  // of messages
  queued: { icon: IconClock, color: 'gray.7' },
  accepted: { icon: IconSend, color: 'indigo.8' },
  sent: { icon: IconCheck, color: 'indigo.8' },
  delivered: { icon: IconChecks, color: 'teal.9' },
  read: { icon: IconChecks, color: 'teal.9' },
  failed: { icon: IconX, color: 'red.9' },
  undelivered: { icon: IconX, color: 'red.9' },
  suppressed: { icon: IconBan, color: 'gray.8' },
  expired: { icon: IconClock, color: 'gray.8' },
  held: { icon: IconClockPause, color: 'orange.9' },
  unknown: { icon: IconCircleDashed, color: 'orange.9' },
  invalid: { icon: IconX, color: 'red.9' },
  // of users, skills, keys and senders
  active: { icon: IconCheck, color: 'teal.9' },
  disabled: { icon: IconBan, color: 'gray.8' },
  archived: { icon: IconArchive, color: 'gray.8' },
  revoked: { icon: IconBan, color: 'gray.8' },
  over: { icon: IconClock, color: 'gray.8' },
  stopped: { icon: IconPlayerStop, color: 'red.9' },
  troubled: { icon: IconAlertTriangle, color: 'red.9' },
  slowed: { icon: IconGauge, color: 'orange.9' },
  sending: { icon: IconPlayerPlay, color: 'indigo.8' },
  waiting: { icon: IconClock, color: 'gray.7' },
  idle: { icon: IconMoon, color: 'gray.7' },
}

/** A state as icon, word and colour. The words are states.* of the frame's texts. */
export function StateBadge({ state }: { state: string }) {
  const { t } = useTranslation('frame')
  const look = looks[state] ?? { icon: IconCircleDashed, color: 'gray.7' }
  return (
    <Badge
      color={look.color}
      variant="filled"
      leftSection={<look.icon size={12} aria-hidden />}
      tt="none"
      miw="max-content"
      style={{ flex: 'none' }}
    >
      {t(`states.${state}`, { defaultValue: state })}
    </Badge>
  )
}
