import type { Pages } from './DataTable'

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
