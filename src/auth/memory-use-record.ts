import { LRUCache } from 'lru-cache'
import { type LocalUseRecord, useKey } from './replay-guard.js'

/** Uses remembered at most, about 40 MB of them; the oldest go first. */
const USES_MAX = 200_000

type Held = { count: number; readonly expiresAtMs: number }

/**
 * Uses of nonces in this process. A record that guards alone refuses what it may have had to
 * forget: the phone gets a fresh nonce, and a replay gets nothing. Beside a shared record it need not.
 */
export function createMemoryUseRecord(deps: { readonly alone: boolean; readonly usesMax?: number }): LocalUseRecord {
  const { alone, usesMax = USES_MAX } = deps
  /** Nonces that end up to here may be among those that were forgotten. */
  let forgottenUpTo = 0
  // Nothing in it expires by itself: what a nonce that has ended was used for harms nobody until its place is needed.
  const uses = new LRUCache<string, Held>({
    max: usesMax,
    dispose(held, _key, reason) {
      if (reason === 'evict') forgottenUpTo = Math.max(forgottenUpTo, held.expiresAtMs)
    },
  })

  return {
    spend(use) {
      const key = useKey(use)
      const count = use.count ?? 1
      const held = uses.get(key)
      if (alone && !held && use.expiresAtMs <= forgottenUpTo) return false
      if (count <= (held?.count ?? 0)) return false
      if (held) held.count = count
      else uses.set(key, { count, expiresAtMs: use.expiresAtMs })
      return true
    },
  }
}
