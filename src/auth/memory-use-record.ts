import { LRUCache } from 'lru-cache'
import { type UseRecord, useKey } from './replay-guard.js'

/** Uses remembered at most, about 30 MB of them; the oldest go first. */
const USES_MAX = 200_000

/** Uses of nonces in this process alone. `now` is in ms since 1970. */
export function createMemoryUseRecord({ now }: { readonly now: () => number }): UseRecord {
  const lastCounts = new LRUCache<string, number>({ max: USES_MAX, ttlAutopurge: false, perf: { now } })
  return {
    async spend(use) {
      const key = useKey(use)
      const count = use.count ?? 1
      if (count <= (lastCounts.get(key) ?? 0)) return false
      lastCounts.set(key, count, { ttl: Math.max(1, use.expiresAtMs - now()) })
      return true
    },
  }
}
