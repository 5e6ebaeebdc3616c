import { hooks } from '@/api/client'

/** The account's brand while it has only one, so that nobody has to choose it. */
export function useOnlyBrand(): string {
  const { data } = hooks.useQuery('get', '/v1/brands', { params: { query: { limit: 200 } } }, { staleTime: 5 * 60_000 })
  return data?.items.length === 1 ? (data.items[0]?.id ?? '') : ''
}
