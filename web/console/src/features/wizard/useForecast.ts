import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { api } from '@/api/client'
import { ApiError } from '@/api/problem'
import { isUnchecked, useChecklist } from './useChecklist'
import type { DraftHandle } from './useDraft'

type Options = {
  /** Do not ask while the list is unchecked against the text: a forecast would check it, which is too early for somebody who types. */
  whenChecked?: boolean
}

/** What will happen to the draft as it is saved; made again in the background when it, or its list, changes. */
export function useForecast({ base }: DraftHandle, { whenChecked = false }: Options = {}) {
  const checklist = useChecklist(base.id)
  const unchecked = isUnchecked(checklist.data)
  return useQuery({
    queryKey: ['forecast', base.id, base.updated_at, base.recipients, unchecked, whenChecked],
    queryFn: async ({ signal }) => {
      const { data } = await api.POST('/v1/campaigns/{campaign}/forecast', {
        params: { path: { campaign: base.id } },
        body: whenChecked ? { check_list: false } : {},
        signal,
      })
      return data ?? null
    },
    enabled: base.recipients > 0 && !(whenChecked && (unchecked || !checklist.data)),
    placeholderData: keepPreviousData,
    staleTime: 60_000,
    retry: (failures, error) => error instanceof ApiError && error.code === 'list_loading' && failures < 30,
    retryDelay: 2_000,
  })
}
