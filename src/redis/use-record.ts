import { type Use, useKey } from '../auth/replay-guard.js'
import { createBatch } from './batch.js'
import type { RedisClient } from './client.js'
import { createScript } from './script.js'

/**
 * KEYS: the records of nonces; ARGV: for each its nonce count and the ms until the nonce ends. For each 1 where the
 * count was new, else 0; one after the other, so that of one count that stands twice the first is new.
 */
const SPEND = createScript(`
local new = {}
for i, key in ipairs(KEYS) do
  local count = ARGV[2 * i - 1]
  local last = redis.call('GET', key)
  if last and tonumber(count) <= tonumber(last) then
    new[i] = 0
  else
    redis.call('SET', key, count, 'PX', ARGV[2 * i])
    new[i] = 1
  end
end
return new
`)

/** Kept longer than the nonce: by a node's clock that is behind, it has not ended yet. */
const CLOCK_SKEW_MS = 60_000

/** Uses of one call: they keep Redis from others for about 0.2 ms. */
const SPENDS_MAX = 128

/**
 * Uses of nonces in Redis, for all nodes together: each atomic and forgotten when the nonce ends, all of one turn of
 * the event loop in one round trip. In a cluster each goes by itself, to the server that has its key.
 */
export function createRedisUseRecord(deps: { readonly redis: RedisClient; readonly now: () => number }): {
  spend(use: Use): Promise<boolean>
} {
  const { redis, now } = deps

  async function ask(uses: readonly Use[]): Promise<readonly boolean[]> {
    const time = now()
    const keys = uses.map((use) => `sipauth:nc:${useKey(use)}`)
    const args = uses.flatMap(({ count = 1, expiresAtMs }) => [count, Math.max(1, expiresAtMs - time) + CLOCK_SKEW_MS])
    const answers = await SPEND(redis, keys, args)
    if (!Array.isArray(answers)) throw new Error('Redis answered a spending of nonce counts with something else')
    return answers.map((answer) => answer === 1)
  }

  const spend = createBatch({ ask, most: redis.isCluster ? 1 : SPENDS_MAX })
  return {
    // A nonce count of 0 is never above the last one, not even above none.
    spend: async (use) => use.count !== 0 && spend(use),
  }
}
