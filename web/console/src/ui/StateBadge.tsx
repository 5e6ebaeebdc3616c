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

type Look = { icon: Icon; color: 'gray' | 'dim' | 'grape' | 'indigo' | 'orange' | 'teal' | 'red' }

// Filled with dark shades, so that white words on them reach AA in both schemes.
const looks: Record<string, Look> = {
  // of campaigns
  draft: { icon: IconPencil, color: 'gray' },
  scheduled: { icon: IconCalendarClock, color: 'grape' },
  running: { icon: IconPlayerPlay, color: 'indigo' },
  paused: { icon: IconPlayerPause, color: 'orange' },
  canceling: { icon: IconBan, color: 'dim' },
  completed: { icon: IconCheck, color: 'teal' },
  canceled: { icon: IconBan, color: 'dim' },
  // of messages
  queued: { icon: IconClock, color: 'gray' },
  accepted: { icon: IconSend, color: 'indigo' },
  sent: { icon: IconCheck, color: 'indigo' },
  delivered: { icon: IconChecks, color: 'teal' },
  read: { icon: IconChecks, color: 'teal' },
  failed: { icon: IconX, color: 'red' },
  undelivered: { icon: IconX, color: 'red' },
  suppressed: { icon: IconBan, color: 'dim' },
  expired: { icon: IconClock, color: 'dim' },
  held: { icon: IconClockPause, color: 'orange' },
  unknown: { icon: IconCircleDashed, color: 'orange' },
  invalid: { icon: IconX, color: 'red' },
  // of users, skills, keys and senders
  active: { icon: IconCheck, color: 'teal' },
  disabled: { icon: IconBan, color: 'dim' },
  archived: { icon: IconArchive, color: 'dim' },
  revoked: { icon: IconBan, color: 'dim' },
  over: { icon: IconClock, color: 'dim' },
  stopped: { icon: IconPlayerStop, color: 'red' },
  troubled: { icon: IconAlertTriangle, color: 'red' },
  slowed: { icon: IconGauge, color: 'orange' },
  sending: { icon: IconPlayerPlay, color: 'indigo' },
  waiting: { icon: IconClock, color: 'gray' },
  idle: { icon: IconMoon, color: 'gray' },
}

const unknown: Look = { icon: IconCircleDashed, color: 'gray' }

/** A state as icon, word and colour. The words are states.* of the frame's texts. Lists draw many: it is plain markup, styled in app.css. */
export function StateBadge({ state }: { state: string }) {
  const { t } = useTranslation('frame')
  const look = looks[state] ?? unknown
  return (
    <span className={`state state-${look.color}`}>
      <look.icon size={12} aria-hidden />
      {t(`states.${state}`, { defaultValue: state })}
    </span>
  )
}
