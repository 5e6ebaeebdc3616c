import { queryOptions, useQuery } from '@tanstack/react-query'
import { api, type Schemas } from '@/api/client'
import { ApiError } from '@/api/problem'

export type Me = Schemas['Me']
export type Permission = string

/** Who is signed in; null when nobody is. */
export const sessionQuery = queryOptions({
  queryKey: ['session'],
  staleTime: 60_000,
  queryFn: async (): Promise<Me | null> => {
    try {
      const { data } = await api.GET('/v1/session')
      return data ?? null
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) return null
      throw error
    }
  },
})

export const can = (me: Me | null | undefined, permission: Permission): boolean => me?.permissions.includes(permission) ?? false

export function useSession() {
  const { data: me } = useQuery(sessionQuery)
  return { me: me ?? null, can: (permission: Permission) => can(me, permission) }
}
