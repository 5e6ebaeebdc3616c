import i18next from 'i18next'
import { afterEach, expect, test, vi } from 'vitest'
import { spokenLanguage } from '@/i18n'
import { api } from './client'

afterEach(() => vi.unstubAllGlobals())

test('the server is asked in the chosen language, also before the texts have come', async () => {
  const asked: (string | null)[] = []
  vi.stubGlobal('fetch', (request: Request) => {
    asked.push(request.headers.get('Accept-Language'))
    return Promise.resolve(Response.json({}))
  })
  await i18next.changeLanguage('de')
  await api.GET('/v1/server')
  await i18next.changeLanguage('en')
  await api.GET('/v1/server')
  expect(asked).toEqual(['de', 'en'])

  localStorage.setItem('overture.language', 'de')
  const started = i18next.language
  i18next.language = undefined as never
  expect(spokenLanguage()).toBe('de')
  i18next.language = started
  localStorage.clear()
})
