import { LRUCache } from 'lru-cache'
import { type LocalUseRecord, type Use, useKey } from './replay-guard.js'

/** Uses remembered at most, about 40 MB of them; the oldest go first. */
const USES_MAX = 200_000

type Held = { readonly username: string; count: number; readonly expiresAtMs: number }

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

  /**
   * The first user of a nonce, who is mostly its only one, is found by the nonce alone: a key that is put together is
   * read once more to find its place. No other key is as short.
   */
  function findFirst({ nonceId, count }: Use): Held | undefined {
    return count === undefined ? undefined : uses.get(nonceId)
  }

  function remember(use: Use, key: string, count: number): void {
    const { username, expiresAtMs } = use
    uses.set(key, { username, count, expiresAtMs })
  }

  return {
    spend(use) {
      const count = use.count ?? 1
      const first = findFirst(use)
      const held = first?.username === use.username ? first : uses.get(useKey(use))
      if (alone && !held && use.expiresAtMs <= forgottenUpTo) return false
      if (count <= (held?.count ?? 0)) return false
      if (held) held.count = count
      else remember(use, use.count === undefined || first ? useKey(use) : use.nonceId, count)
      return true
    },
  }
}
