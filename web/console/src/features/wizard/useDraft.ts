import { useQueryClient } from '@tanstack/react-query'
import { useCallback, useEffect, useRef, useState } from 'react'
import { api, hooks } from '@/api/client'
import { ApiError } from '@/api/problem'
import { begin, type Campaign, type DraftEvent, type Field, type Fields, reduce, refusalOf, standing, unsaved, valuesOf } from './draft'

/** Pauses before a save: when somebody stops typing, and after one that got no answer. */
const afterTyping = 1_000
const afterSilence = 5_000

export type DraftHandle = ReturnType<typeof useDraft>

/** The draft of this tab: saves itself a second after the last change, when an input is left, and when the page is. */
export function useDraft(campaign: Campaign) {
  const client = useQueryClient()
  const [draft, show] = useState(() => begin(campaign))
  const now = useRef(draft)
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  const running = useRef<Promise<void> | null>(null)
  const id = campaign.id

  const take = useCallback((event: DraftEvent) => {
    now.current = reduce(now.current, event)
    show(now.current)
  }, [])

  const remember = useCallback(
    (data: Campaign) => {
      client.setQueryData(hooks.queryOptions('get', '/v1/campaigns/{campaign}', { params: { path: { campaign: id } } }).queryKey, data)
      void client.invalidateQueries({
        predicate: ({ queryKey: [, path, init] }) =>
          ['/v1/campaigns/{campaign}/checklist', '/v1/campaigns/{campaign}/recipients', '/v1/campaigns/{campaign}/imports'].includes(
            String(path),
          ) && (init as { params?: { path?: { campaign?: string } } } | undefined)?.params?.path?.campaign === id,
      })
    },
    [client, id],
  )

  const patch = useCallback(
    async (body: Partial<Fields> & { check_list?: boolean }) => {
      const { data } = await api.PATCH('/v1/campaigns/{campaign}', {
        params: { path: { campaign: id } },
        body: { ...body, updated_at: now.current.base.updated_at },
      })
      if (!data) throw new Error('no answer')
      return data
    },
    [id],
  )

  /** One save; returns whether another should follow at once. */
  const saveOnce = useCallback(async (): Promise<boolean> => {
    const change = unsaved(now.current)
    if (Object.keys(change).length === 0 || now.current.theirs) return false
    take({ type: 'sending', change })
    try {
      // Nobody is asked for a list that fits while they are still typing; useListCheck asks at the right time.
      const data = await patch({ ...change, check_list: false })
      take({ type: 'saved', campaign: data, at: Date.now() })
      remember(data)
      return false
    } catch (error) {
      if (error instanceof ApiError && error.code === 'campaign_changed') {
        const { data } = await api
          .GET('/v1/campaigns/{campaign}', { params: { path: { campaign: id } } })
          .catch(() => ({ data: undefined }))
        if (data) {
          take({ type: 'overtaken', theirs: data })
          return now.current.theirs === null
        }
      }
      if (error instanceof ApiError && error.status === 409) void client.invalidateQueries()
      if (error instanceof ApiError && [404, 422].includes(error.status)) {
        take({ type: 'refused', fields: error.fields(), trouble: error })
        return Object.keys(unsaved(now.current)).length < Object.keys(change).length
      }
      take({ type: 'failed', trouble: error })
      clearTimeout(timer.current)
      timer.current = setTimeout(() => void flush.current(), afterSilence)
      return false
    }
  }, [client, id, patch, remember, take])

  /** Saves what is unsaved now; resolves when nothing is being saved any more, with whether all of it went well. */
  const save = useCallback(async (): Promise<boolean> => {
    clearTimeout(timer.current)
    while (running.current) await running.current
    const work = (async () => {
      while (await saveOnce());
    })()
    running.current = work.finally(() => {
      running.current = null
    })
    await running.current
    return standing(now.current) === 'saved'
  }, [saveOnce])
  const flush = useRef(save)
  flush.current = save

  const set = useCallback(
    (change: Partial<Fields>) => {
      take({ type: 'edited', change })
      clearTimeout(timer.current)
      timer.current = setTimeout(() => void flush.current(), afterTyping)
    },
    [take],
  )

  /** Has the list checked against the text. Not now, when a list is being read: the next time. */
  const checkList = useCallback(async () => {
    if (!(await save())) return
    const data = await patch({}).catch(() => undefined)
    if (!data) return
    take({ type: 'saved', campaign: data, at: now.current.savedAt ?? Date.now() })
    remember(data)
  }, [save, patch, take, remember])

  useEffect(() => take({ type: 'loaded', campaign }), [campaign, take])

  // Leaving the page saves; the browser asks before it throws away what it could not.
  useEffect(() => {
    const ask = (event: BeforeUnloadEvent) => {
      if (standing(now.current) === 'saved') return
      void flush.current()
      event.preventDefault()
    }
    window.addEventListener('beforeunload', ask)
    return () => {
      window.removeEventListener('beforeunload', ask)
      void flush.current()
    }
  }, [])

  return {
    base: draft.base,
    draft,
    values: valuesOf(draft),
    standing: standing(draft),
    set,
    save,
    checkList,
    error: (field: Field | `${Field}.${string}`) => refusalOf(draft, field),
    takeTheirs: () => take({ type: 'takeTheirs' }),
    keepMine: () => {
      take({ type: 'keepMine' })
      void save()
    },
  }
}
