import { Cluster } from 'ioredis'
import type { RedisClient } from './client.js'

/**
 * The keys that match a pattern, in slices, in a cluster those of every master; one that is written or deleted meanwhile
 * may come twice or not at all.
 */
export async function* scanKeys(redis: RedisClient, pattern: string): AsyncIterable<readonly string[]> {
  const nodes = redis instanceof Cluster ? redis.nodes('master') : [redis]
  for (const node of nodes) {
    let cursor = '0'
    do {
      const [next, keys] = await node.scan(cursor, 'MATCH', pattern, 'COUNT', 500)
      cursor = next
      if (keys.length > 0) yield keys
    } while (cursor !== '0')
  }
}
