/** A permission as the key of its text: colons have a meaning of their own there. */
export const permissionKey = (permission: string): string => permission.replace(':', '_')

/** Permissions by the area they are about, areas and permissions in order. */
export function byArea(permissions: readonly string[]): { area: string; permissions: string[] }[] {
  const areas = new Map<string, string[]>()
  for (const p of [...permissions].sort()) {
    const area = p.split(':')[0] ?? p
    areas.set(area, [...(areas.get(area) ?? []), p])
  }
  return [...areas].map(([area, list]) => ({ area, permissions: list }))
}
