import { type UseRecord, useKey } from '../auth/replay-guard.js'
import type { RedisClient } from './client.js'
import { createScript } from './script.js'

/** KEYS[1] a nonce's record; ARGV: nonce count, ms until the nonce ends. 1 where the count was new. */
const SPEND = createScript(`
local last = redis.call('GET', KEYS[1])
if last and tonumber(ARGV[1]) <= tonumber(last) then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
`)

/** Kept longer than the nonce: by a node's clock that is behind, it has not ended yet. */
const CLOCK_SKEW_MS = 60_000

/** Uses of nonces in Redis, for all nodes together: atomic, one round trip, forgotten when the nonce ends. */
export function createRedisUseRecord(deps: { readonly redis: RedisClient; readonly now: () => number }): UseRecord {
  const { redis, now } = deps
  return {
    async spend(use) {
      const ttlMs = Math.max(1, use.expiresAtMs - now()) + CLOCK_SKEW_MS
      // A nonce count of 0 is never above the last one, not even above none.
      if (use.count === 0) return false
      return (await SPEND(redis, `sipauth:nc:${useKey(use)}`, [use.count ?? 1, ttlMs])) === 1
    },
  }
}
