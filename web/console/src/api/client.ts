import { QueryClient } from '@tanstack/react-query'
import createClient, { type Middleware } from 'openapi-fetch'
import createHooks from 'openapi-react-query'
import { spokenLanguage } from '@/i18n'
import { ApiError, noAnswer, type Problem } from './problem'
import type { components, paths } from './schema'

export type Schemas = components['schemas']

/** Called when the session is over; the frame sends the person to the sign-in page. */
let signedOut: () => void = () => {}
export const onSignedOut = (f: () => void): void => {
  signedOut = f
}

async function problemOf(response: Response): Promise<Problem> {
  try {
    return (await response.clone().json()) as Problem
  } catch {
    return { title: response.statusText, status: response.status, code: 'unreadable', detail: `the server answered ${response.status}` }
  }
}

/** They change nothing, so that the server need not remember what it answered. */
const asking = ['/v1/text/measure', '/v1/campaigns/{campaign}/forecast', '/v1/policy/simulate']

const frame: Middleware = {
  onRequest({ request, schemaPath }) {
    request.headers.set('Accept-Language', spokenLanguage())
    if (asking.includes(schemaPath)) return request
    // Every other POST may be repeated by the network without being done twice.
    if (request.method === 'POST' && !request.headers.has('Idempotency-Key')) request.headers.set('Idempotency-Key', crypto.randomUUID())
    return request
  },
  async onResponse({ response, schemaPath }) {
    if (response.ok) return response
    const problem = await problemOf(response)
    if (response.status === 401 && schemaPath !== '/v1/session') signedOut()
    throw new ApiError(problem)
  },
  onError({ error }) {
    return error instanceof ApiError ? error : noAnswer(error)
  },
}

export const api = createClient<paths>({ baseUrl: '/', fetch: (request) => globalThis.fetch(request) })
api.use(frame)

/** Typed query hooks: hooks.useQuery('get', '/v1/campaigns/{campaign}', { params: … }). */
export const hooks = createHooks(api)

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 10_000,
      refetchOnWindowFocus: true,
      retry: (failures, error) => failures < 2 && (!(error instanceof ApiError) || error.status === 0 || error.status >= 500),
    },
    mutations: { retry: false },
  },
})
