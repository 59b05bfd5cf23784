import type { RecordKey } from '../record-key.js'
import type { RedisClient } from '../redis/client.js'
import { scanKeys } from '../redis/key-scan.js'
import { fromRedisKey, RECORD_PATTERNS } from './redis-record.js'

/** Every key of the mirror's records in Redis, in slices; one that is changed meanwhile may come twice or not at all. */
export async function* scanRecords(redis: RedisClient): AsyncIterable<readonly RecordKey[]> {
  for (const pattern of RECORD_PATTERNS) {
    for await (const keys of scanKeys(redis, pattern)) yield keys.map(fromRedisKey)
  }
}
