import { hooks } from '@/api/client'
import { useSession } from '@/auth/session'

/** Names of users and keys by id, for those that may see them. */
export function useActors(): { id: string; name: string }[] {
  const { can } = useSession()
  const users = hooks.useQuery('get', '/v1/users', { params: { query: { limit: 200 } } }, { enabled: can('users:read') })
  const keys = hooks.useQuery('get', '/v1/api-keys', { params: { query: { limit: 200 } } }, { enabled: can('keys:read') })
  return [
    ...(users.data?.items ?? []).map((u) => ({ id: u.id, name: u.name })),
    ...(keys.data?.items ?? []).map((k) => ({ id: k.id, name: k.name })),
  ]
}
