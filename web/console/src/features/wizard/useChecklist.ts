import { keepPreviousData } from '@tanstack/react-query'
import { useEffect, useRef } from 'react'
import { hooks, type Schemas } from '@/api/client'
import { unknownTo, useList } from './compose/useList'
import { useMeasure } from './compose/useMeasure'
import type { Campaign } from './draft'
import type { Step } from './steps'
import type { DraftHandle } from './useDraft'

type Checklist = Schemas['Checklist']

/** What a launch still needs. */
export const useChecklist = (campaign: string) =>
  hooks.useQuery('get', '/v1/campaigns/{campaign}/checklist', { params: { path: { campaign } } }, { placeholderData: keepPreviousData })

/** The same, asked again when draft or list have changed, in this tab or elsewhere. */
export function useFreshChecklist(campaign: Campaign) {
  const query = useChecklist(campaign.id)
  const { refetch } = query
  const version = `${campaign.updated_at} ${campaign.recipients}`
  const asked = useRef(version)
  useEffect(() => {
    if (asked.current === version) return
    asked.current = version
    void refetch()
  }, [version, refetch])
  return query
}

/** How long nobody has typed until the list is checked against the text, on the step where it is written. */
const pause = 4_000

/** True while the server says that the list was checked against an older text. */
export const isUnchecked = (checklist: Checklist | undefined): boolean => checklist?.items.some((c) => c.name === 'list_checked') ?? false

/**
 * Has the list checked against the text: when it rests, and at once when the text is left. Each version is tried once. A text with a variable that
 * no column has is a slip of the pen as long as somebody may still be at it: it would only throw everybody out and take them in again.
 */
export function useListCheck(draft: DraftHandle, checklist: Checklist | undefined, step: Step, editable: boolean): void {
  const tried = useRef('')
  const version = draft.base.updated_at
  const list = useList(draft.base.id)
  const { data: measure } = useMeasure(draft.values)
  const slip = draft.values.text.trim() === '' || unknownTo(list.variables, measure?.variables ?? []).length > 0
  const due = editable && isUnchecked(checklist) && draft.standing === 'saved' && tried.current !== version && !(slip && step === 'compose')
  const { checkList } = draft
  useEffect(() => {
    if (!due) return
    const timer = setTimeout(
      () => {
        tried.current = version
        void checkList()
      },
      step === 'compose' ? pause : 0,
    )
    return () => clearTimeout(timer)
  }, [due, version, step, checkList])
}
