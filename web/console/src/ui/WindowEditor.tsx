import { Button, Checkbox, Group, Input, Stack, Text, TextInput } from '@mantine/core'
import { IconX } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { date } from '@/lib/format'
import { type Day, days, likeDay, overnight, type Week, type Window, weekOf, wholeDay, windowOf } from './window'

type Props = {
  value: Window
  onChange: (window: Window) => void
  /** What the API says about a field: window, window.mon, window.holidays … */
  error: (field: 'window' | `window.${string}`) => string | undefined
  editable: boolean
}

/** When messages may arrive, day by day, on the clock of the person who gets them. */
export function WindowEditor({ value, onChange, error, editable }: Props) {
  const { t } = useTranslation('wizard')
  const [half, setHalf] = useState<Week>() // a time that is half typed, or no open day at all
  const week = half ?? weekOf(value)
  const change = (next: Week) => {
    const window = windowOf(next, value.holidays)
    if (window && days.some((d) => next[d].open)) {
      setHalf(undefined)
      onChange(window)
    } else {
      setHalf(next)
    }
  }
  const one = (day: Day, hours: Partial<Week[Day]>) => change({ ...week, [day]: { ...week[day], ...hours } })
  const first = days.find((d) => week[d].open)
  const closed = !first
  return (
    <>
      <Stack gap={6} data-field="window">
        {days.map((day) => {
          const h = week[day]
          const name = t(`day.${day}`)
          return (
            <Group key={day} gap="xs" role="group" aria-label={name} mih={36}>
              <Checkbox
                label={name}
                w={130}
                checked={h.open}
                disabled={!editable}
                onChange={(e) => one(day, { open: e.currentTarget.checked })}
              />
              {h.open ? (
                <Group gap={6} wrap="nowrap">
                  <TextInput
                    type="time"
                    size="xs"
                    w={{ base: 117, xs: 132 }}
                    aria-label={t('window.from', { day: name })}
                    value={h.from}
                    disabled={!editable}
                    error={Boolean(error(`window.${day}`))}
                    onChange={(e) => one(day, { from: e.currentTarget.value })}
                  />
                  <span aria-hidden>–</span>
                  <TextInput
                    type="time"
                    size="xs"
                    w={{ base: 117, xs: 132 }}
                    aria-label={t('window.to', { day: name })}
                    value={h.to}
                    disabled={!editable}
                    error={Boolean(error(`window.${day}`))}
                    onChange={(e) => one(day, { to: e.currentTarget.value })}
                  />
                </Group>
              ) : (
                <Text size="sm" c="dimmed">
                  {t('window.closed')}
                </Text>
              )}
              {h.open && (wholeDay(h) || overnight(h)) && (
                <Text size="xs" c="dimmed">
                  {t(wholeDay(h) ? 'window.wholeDay' : 'window.overnight')}
                </Text>
              )}
              {error(`window.${day}`) && <Input.Error>{error(`window.${day}`)}</Input.Error>}
            </Group>
          )
        })}
        {closed && <Input.Error role="alert">{t('window.never')}</Input.Error>}
        {error('window') && !days.some((d) => error(`window.${d}`)) && <Input.Error>{error('window')}</Input.Error>}
      </Stack>
      {editable && first && (
        <Group gap="xs">
          <Button size="xs" variant="default" onClick={() => change(likeDay(week, first))}>
            {t('window.like', { day: t(`day.${first}`) })}
          </Button>
          <Button
            size="xs"
            variant="default"
            onClick={() => change({ ...week, sat: { ...week.sat, open: false }, sun: { ...week.sun, open: false } })}
          >
            {t('window.workdays')}
          </Button>
        </Group>
      )}
      <Holidays
        dates={value.holidays ?? []}
        editable={editable}
        error={error('window.holidays')}
        onChange={(holidays) => onChange({ ...value, holidays })}
      />
    </>
  )
}

type HolidaysProps = { dates: string[]; editable: boolean; error: string | undefined; onChange: (dates: string[]) => void }

function Holidays({ dates, editable, error, onChange }: HolidaysProps) {
  const { t } = useTranslation('wizard')
  const [typed, setTyped] = useState('')
  const add = () => {
    if (!typed) return
    onChange([...new Set([...dates, typed])].sort())
    setTyped('')
  }
  return (
    <Stack gap="xs">
      {editable && (
        <Group gap="xs" align="flex-end">
          <TextInput
            type="date"
            label={t('window.holiday')}
            description={t('window.holidayHint')}
            value={typed}
            error={error}
            onChange={(e) => setTyped(e.currentTarget.value)}
            w={260}
          />
          <Button variant="default" onClick={add} disabled={!typed}>
            {t('window.addHoliday')}
          </Button>
        </Group>
      )}
      {dates.length > 0 && (
        <Group gap={6} component="ul" p={0} m={0} style={{ listStyle: 'none' }} aria-label={t('window.holidays')}>
          {dates.map((day) => (
            <li key={day}>
              <Button
                size="compact-sm"
                variant="default"
                disabled={!editable}
                rightSection={<IconX size={12} aria-hidden />}
                aria-label={t('window.removeHoliday', { day: date(`${day}T12:00:00Z`, 'UTC') })}
                onClick={() => onChange(dates.filter((d) => d !== day))}
              >
                {date(`${day}T12:00:00Z`, 'UTC')}
              </Button>
            </li>
          ))}
        </Group>
      )}
    </Stack>
  )
}
