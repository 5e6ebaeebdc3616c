import { useDebouncedValue } from '@mantine/hooks'
import { keepPreviousData } from '@tanstack/react-query'
import { hooks } from '@/api/client'
import type { Fields } from '../draft'

/** The arithmetic of the text as it stands in the input, saved or not. */
export function useMeasure({ text, opt_out_text, smart_encoding }: Fields) {
  const [body] = useDebouncedValue({ text, opt_out_text, smart_encoding }, 250)
  return hooks.useQuery('post', '/v1/text/measure', { body }, { placeholderData: keepPreviousData, staleTime: Infinity, gcTime: 60_000 })
}
