import { Stack } from '@mantine/core'
import type { DraftHandle } from '../useDraft'
import { useForecast } from '../useForecast'
import { DraftWindow } from './DraftWindow'
import { ForecastPanel } from './ForecastPanel'
import { Guards } from './Guards'
import { InDoubt } from './InDoubt'
import { PolicyNote } from './PolicyNote'
import { Rate } from './Rate'
import { When } from './When'
import { ZoneMeaning } from './ZoneMeaning'

/** When it goes, how fast, what stops it by itself, and the picture of what follows from that. */
export function Schedule({ draft, editable }: { draft: DraftHandle; editable: boolean }) {
  const forecast = useForecast(draft)
  return (
    <Stack>
      <When draft={draft} editable={editable} />
      <DraftWindow draft={draft} editable={editable}>
        <ZoneMeaning forecast={forecast.data ?? undefined} />
      </DraftWindow>
      <Rate draft={draft} editable={editable} forecast={forecast.data ?? undefined} />
      <ForecastPanel draft={draft} forecast={forecast} />
      <PolicyNote draft={draft} forecast={forecast.data ?? undefined} />
      <Guards draft={draft} editable={editable} />
      <InDoubt draft={draft} editable={editable} />
    </Stack>
  )
}
