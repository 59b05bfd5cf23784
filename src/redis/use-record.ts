import { type Use, useKey } from '../auth/replay-guard.js'
import { createBatch } from './batch.js'
import type { RedisClient } from './client.js'
import { NEW, NEW_AND_STORED, SPEND } from './spend-script.js'

/** Kept longer than the nonce: by a node's clock that is behind, it has not ended yet. */
const CLOCK_SKEW_MS = 60_000

/** Uses of one call: with what is stored along they keep Redis from others for less than half a millisecond. */
const SPENDS_MAX = 128

/**
 * Uses of nonces in Redis, for all nodes together: each atomic and forgotten when the nonce ends, all of one turn of
 * the event loop in one round trip, with what is to be stored along. In a cluster each goes by itself, to the server
 * that has its key; a companion's key may lie on another, so it is left alone there.
 */
export function createRedisUseRecord(deps: { readonly redis: RedisClient; readonly now: () => number }): {
  spend(use: Use): Promise<boolean>
} {
  const { redis, now } = deps

  const lifetimeMs = (use: Use, time: number) => Math.max(1, use.expiresAtMs - time) + CLOCK_SKEW_MS

  /** A first count is new where there is no record yet: that takes Redis half the time of a script. */
  async function askFirst(use: Use): Promise<readonly boolean[]> {
    return [(await redis.set(keyOf(use), 1, 'PX', lifetimeMs(use, now()), 'NX')) === 'OK']
  }

  async function askScript(uses: readonly Use[]): Promise<readonly boolean[]> {
    const time = now()
    const [keys, args]: [string[], (string | number)[]] = [[], [uses.length]]
    const companions = redis.isCluster ? [] : uses.flatMap(({ companion }) => companion ?? [])
    let numbered = 0
    for (const use of uses) {
      keys.push(keyOf(use))
      const companion = companions.length > 0 && use.companion ? ++numbered : 0
      args.push(countOf(use), lifetimeMs(use, time), companion)
    }
    for (const { key, expected, text, leftMs } of companions) {
      keys.push(key)
      args.push(expected, text, leftMs)
    }
    const answers = await SPEND(redis, keys, args)
    if (!Array.isArray(answers)) throw new Error('Redis answered a spending of nonce counts with something else')
    if (companions.length > 0) settle(uses, answers)
    return answers.map((answer) => answer === NEW || answer === NEW_AND_STORED)
  }

  function ask(uses: readonly Use[]): Promise<readonly boolean[]> {
    const [use] = uses
    const isFirstAlone = use && uses.length === 1 && countOf(use) === 1 && (redis.isCluster || !use.companion)
    return isFirstAlone ? askFirst(use) : askScript(uses)
  }

  const spend = createBatch({ ask, most: redis.isCluster ? 1 : SPENDS_MAX })
  return {
    // A nonce count of 0 is never above the last one, not even above none.
    spend: (use) => (use.count === 0 ? Promise.resolve(false) : spend(use)),
  }
}

function keyOf(use: Use): string {
  return `sipauth:nc:${useKey(use)}`
}

/** Without a nonce count there is one use. */
function countOf(use: Use): number {
  return use.count ?? 1
}

/** Tells the companions of counts that were new what became of them. */
function settle(uses: readonly Use[], answers: readonly unknown[]): void {
  for (const [index, { companion }] of uses.entries()) {
    if (answers[index] === NEW_AND_STORED) companion?.settle(true)
    else if (answers[index] === NEW) companion?.settle(false)
  }
}
