type Key = { revoked_at?: string; expires_at?: string }

/** A revoked key stays revoked, whatever its date says. */
export function keyState(key: Key, now: Date): 'active' | 'revoked' | 'over' {
  if (key.revoked_at) return 'revoked'
  return key.expires_at && new Date(key.expires_at) <= now ? 'over' : 'active'
}
