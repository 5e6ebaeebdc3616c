import { useQueryClient } from '@tanstack/react-query'

/** Asks again for everything that was read from these paths of the API. */
export function useFresh(...paths: string[]): () => Promise<void> {
  const client = useQueryClient()
  return () => client.invalidateQueries({ predicate: (q) => paths.includes(String(q.queryKey[1])) })
}
