import { notifications } from '@mantine/notifications'
import i18next from 'i18next'
import { useSyncExternalStore } from 'react'
import { api, queryClient, type Schemas } from '@/api/client'
import { ApiError, noAnswer, type Problem } from '@/api/problem'
import { spokenLanguage } from '@/i18n'
import { count } from '@/lib/format'
import { closing } from '@/ui/confirm'
import { freshList } from './useList'

export type FileOptions = { header: string; delimiter: string; encoding: string }

/** A file on its way to the server. It lives outside the page, so that looking at another page does not end it. */
export type Upload = { name: string; size: number; sent: number; error?: ApiError }

const uploads = new Map<string, Upload>()
const requests = new Map<string, XMLHttpRequest>()
const listeners = new Set<() => void>()

function put(campaign: string, upload: Upload | undefined): void {
  if (upload) uploads.set(campaign, upload)
  else uploads.delete(campaign)
  for (const tell of listeners) tell()
}

const subscribe = (tell: () => void) => {
  listeners.add(tell)
  return () => void listeners.delete(tell)
}

export const useUpload = (campaign: string): Upload | undefined => useSyncExternalStore(subscribe, () => uploads.get(campaign))

/** Closing the tab would end it; the browser asks first. */
const ask = (event: BeforeUnloadEvent) => event.preventDefault()
const guard = () => (requests.size > 0 ? window.addEventListener('beforeunload', ask) : window.removeEventListener('beforeunload', ask))

export function problemOf(status: number, body: string): Problem {
  try {
    return JSON.parse(body) as Problem
  } catch {
    return { title: '', status, code: 'unreadable', detail: `the server answered ${status}` }
  }
}

export function startUpload(campaign: string, file: Blob, name: string, options: FileOptions): void {
  const request = new XMLHttpRequest()
  const query = new URLSearchParams({ file_name: name, ...options })
  const end = (error?: ApiError) => {
    requests.delete(campaign)
    guard()
    put(campaign, error ? { name, size: file.size, sent: 0, error } : undefined)
    void freshList(queryClient, campaign)
  }
  request.open('POST', `/v1/campaigns/${campaign}/recipients/csv?${query}`)
  request.setRequestHeader('Content-Type', 'text/csv')
  request.setRequestHeader('Accept-Language', spokenLanguage())
  request.upload.onprogress = (event) => put(campaign, { name, size: file.size, sent: event.loaded })
  request.upload.onload = () => put(campaign, { name, size: file.size, sent: file.size })
  request.onload = () => {
    if (request.status !== 201) return end(new ApiError(problemOf(request.status, request.responseText)))
    const done = JSON.parse(request.responseText) as Schemas['Import']
    const message = i18next.t('recipients:upload.done', { name, valid: count(done.valid), rejected: count(done.rejected) })
    notifications.show({ message, color: done.rejected > 0 ? 'orange.9' : 'teal.9', ...closing() })
    end()
  }
  request.onerror = () => end(noAnswer(undefined))
  request.onabort = () => end()
  requests.set(campaign, request)
  guard()
  put(campaign, { name, size: file.size, sent: 0 })
  request.send(file)
}

/** Stops whoever loads the list: this tab, another one, or a server that has the whole file already. */
export async function cancelUpload(campaign: string, loading: string | undefined): Promise<void> {
  if (loading) {
    await api.POST('/v1/campaigns/{campaign}/imports/{import}/cancel', { params: { path: { campaign, import: loading } } })
  }
  requests.get(campaign)?.abort()
  await freshList(queryClient, campaign)
}

export const forgetError = (campaign: string): void => put(campaign, undefined)
