/** The fields of b that differ from a, as a PATCH wants them; undefined when nothing does. Nested objects are compared field by field. */
export function changes<T extends object>(a: T, b: T): Partial<T> | undefined {
  const out: Partial<T> = {}
  for (const key of Object.keys(b) as (keyof T)[]) {
    const [was, is] = [a[key], b[key]]
    if (Array.isArray(is)) {
      if (JSON.stringify(was) !== JSON.stringify(is)) out[key] = is
    } else if (is !== null && typeof is === 'object') {
      const inner = changes(was as object, is as object)
      if (inner) out[key] = inner as T[keyof T]
    } else if (was !== is) out[key] = is
  }
  return Object.keys(out).length > 0 ? out : undefined
}
