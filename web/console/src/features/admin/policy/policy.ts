import type { Schemas } from '@/api/client'

export type Policy = Schemas['Policy']
type Pack = Schemas['Pack']

/** The newest version of each pack; the list has every version the program knows, oldest first or not. */
export function newest(packs: Pack[]): Pack[] {
  const best = new Map<string, Pack>()
  for (const p of packs) {
    const known = best.get(p.name)
    if (!known || p.version.localeCompare(known.version, 'en', { numeric: true }) > 0) best.set(p.name, p)
  }
  return [...best.values()].sort((a, b) => a.name.localeCompare(b.name))
}

/** The policy with a pack chosen in its newest version, or not chosen. */
export function choose(policy: Policy, pack: string, on: boolean): Policy {
  const others = policy.packs.filter((p) => p.name !== pack)
  return { ...policy, packs: on ? [...others, { name: pack }].sort((a, b) => a.name.localeCompare(b.name)) : others }
}

/** Whether two policies would do the same; a pack without a version stands for its newest. */
export function same(a: Policy, b: Policy, packs: Pack[]): boolean {
  const versions = Object.fromEntries(newest(packs).map((p) => [p.name, p.version]))
  const plain = (p: Policy) =>
    JSON.stringify([
      p.packs.map((x) => `${x.name}@${x.version || versions[x.name]}`).sort(),
      p.min_confidence || 'low',
      p.cap ? [p.cap.max, p.cap.hours] : null,
      p.cap || p.packs.length ? p.over_cap || 'suppress' : 'suppress',
    ])
  return plain(a) === plain(b)
}
