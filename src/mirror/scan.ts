import type { RecordKey } from '../record-key.js'
import type { RedisClient } from '../redis/client.js'
import { scanKeys } from '../redis/key-scan.js'
import { fromRedisKey, RECORD_PREFIXES } from './redis-record.js'

/** Every key of the mirror's records in Redis, in slices; one that is changed meanwhile may come twice or not at all. */
export async function* scanRecords(redis: RedisClient): AsyncIterable<readonly RecordKey[]> {
  for (const prefix of RECORD_PREFIXES) {
    for await (const keys of scanKeys(redis, `${prefix}*`)) yield keys.map(fromRedisKey)
  }
}
