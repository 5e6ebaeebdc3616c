import { Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { clipped, partsOf } from './wrongPart'

/** Characters of a value that are shown; all of it stands in the input beside it. */
const longest = 160

/** A wrong value with its wrong part marked by colour, weight and a wavy line. */
export function Wrong({ row }: { row: Parameters<typeof partsOf>[0] }) {
  const { t } = useTranslation('recipients')
  const parts = clipped(partsOf(row), longest)
  if (parts.length === 0) {
    return (
      <Text size="sm" component="span" fs="italic" c="dimmed">
        {t('problem.empty')}
      </Text>
    )
  }
  let at = 0
  return (
    <Text size="sm" component="span" className="said">
      {parts.map((part) => {
        const key = at
        at += part.text.length
        return part.wrong ? (
          <mark key={key} className="wrong">
            {part.text}
          </mark>
        ) : (
          <span key={key}>{part.text}</span>
        )
      })}
    </Text>
  )
}
