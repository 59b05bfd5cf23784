import { Cluster } from 'ioredis'
import type { RecordKey } from '../record-key.js'
import type { RedisClient } from '../redis/client.js'
import { fromRedisKey, RECORD_PATTERNS } from './redis-record.js'

/** Every key of the mirror's records in Redis, in slices; one that is changed meanwhile may come twice or not at all. */
export async function* scanRecords(redis: RedisClient): AsyncIterable<readonly RecordKey[]> {
  const nodes = redis instanceof Cluster ? redis.nodes('master') : [redis]
  for (const node of nodes) {
    for (const pattern of RECORD_PATTERNS) {
      let cursor = '0'
      do {
        const [next, keys] = await node.scan(cursor, 'MATCH', pattern, 'COUNT', 500)
        cursor = next
        if (keys.length > 0) yield keys.map(fromRedisKey)
      } while (cursor !== '0')
    }
  }
}
