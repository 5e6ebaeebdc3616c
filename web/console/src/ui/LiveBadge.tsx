import { Badge, Loader } from '@mantine/core'
import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useLiveState } from '@/live/bridge'

/** Says when the page is not live any more. Short interruptions pass in silence. */
export function LiveBadge() {
  const { t } = useTranslation('frame')
  const state = useLiveState()
  const [shown, setShown] = useState(false)
  useEffect(() => {
    if (state === 'open') {
      setShown(false)
      return
    }
    const timer = setTimeout(() => setShown(true), 3000)
    return () => clearTimeout(timer)
  }, [state])
  return (
    <span role="status">
      {shown && (
        <Badge color="red.9" variant="filled" leftSection={<Loader size={10} color="white" aria-hidden />}>
          {t(state === 'lost' ? 'live.lost' : 'live.connecting')}
        </Badge>
      )}
    </span>
  )
}
