import type { Pages } from './DataTable'
import { useNarrow } from './useNarrow'

/** The part of useInfiniteQuery's answer that a list needs. */
type Infinite<T> = {
  data: { pages: { items: T[]; next_cursor?: string }[] } | undefined
  hasNextPage: boolean
  isFetching: boolean
  error: unknown
  fetchNextPage: () => unknown
  refetch: () => unknown
}

/** Options that make hooks.useInfiniteQuery follow next_cursor. */
export const byCursor = {
  pageParamName: 'cursor',
  initialPageParam: '', // the library turns an absent first parameter into 0, which is no cursor
  getNextPageParam: (last: { next_cursor?: string }) => last.next_cursor,
}

/** The part of a query that tells how far its list was scrolled. */
type Read = { state: { data: { pages: unknown[] } | undefined } }
const onlyItsBeginning = (q: Read): boolean => (q.state.data?.pages.length ?? 0) < 2

/**
 * Like byCursor, for lists that may be scrolled for long. Asked for again page by page they would keep page and server busy, so only a list
 * of which nothing but the beginning was read stays fresh by itself; who comes back begins at its beginning. Pages that have come are never
 * compared with newer ones row by row.
 */
export const longList = {
  ...byCursor,
  refetchOnWindowFocus: onlyItsBeginning,
  refetchOnReconnect: onlyItsBeginning,
  structuralSharing: false,
  gcTime: 0,
}

/** How many people of a long list come at a time: a table draws those in sight, cards are all drawn. */
export const usePageSize = (): number => (useNarrow() ? 20 : 200)

/** Flattens the pages that were read for DataTable. */
export function pagesOf<T>(query: Infinite<T>): Pages<T> {
  return {
    rows: query.data?.pages.flatMap((p) => p.items) ?? [],
    more: query.hasNextPage,
    loading: query.isFetching,
    error: query.error,
    loadMore: () => void query.fetchNextPage(),
    retry: () => void query.refetch(),
  }
}
