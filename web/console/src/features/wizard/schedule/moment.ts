/** Moments as inputs of the browser have them: its own clock, without a zone. */
export function toInput(iso: string): string {
  if (!iso) return ''
  const at = new Date(iso)
  const two = (n: number) => String(n).padStart(2, '0')
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${two(at.getHours())}:${two(at.getMinutes())}`
}

/** Undefined while it is half typed. */
export function fromInput(text: string): string | undefined {
  if (!text) return ''
  if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}/.test(text)) return undefined
  const at = new Date(text)
  return Number.isNaN(at.getTime()) ? undefined : at.toISOString().replace('.000Z', 'Z')
}

/** The next full hour that leaves time to think. */
export function soon(now = new Date()): string {
  const at = new Date(now.getTime() + 90 * 60_000)
  at.setMinutes(0, 0, 0)
  return at.toISOString().replace('.000Z', 'Z')
}

/** Steps of a ramp as they are typed: "10, 25 50 %". Undefined when they are none. */
export function percentsOf(text: string): number[] | undefined {
  const parts = text.split(/[\s,;%]+/).filter(Boolean)
  const numbers = parts.map(Number)
  return numbers.length > 0 && numbers.every((n) => Number.isInteger(n)) ? numbers : undefined
}
