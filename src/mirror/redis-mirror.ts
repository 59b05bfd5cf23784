import type { RedisClient } from '../redis/client.js'
import { createScript } from '../redis/script.js'
import { isMarkedComplete } from './marker.js'
import type { Mirror, MirrorRecord } from './mirror.js'
import { parseAlgorithms, toFields, toRedisKey } from './redis-record.js'

/** Commands sent at once; more would only wait in Redis and block others. */
const BATCH = 200

/** How long a deletion is remembered, so that an older change that comes late does not undo it. */
const TOMBSTONE_MS = 3_600_000

/**
 * KEYS[1] a record; ARGV: its version, a newer version that may be overwritten all the same (or ''), ms to live (0 for
 * ever), fields and values. Answers the version held, where that is newer and stays.
 */
const APPLY = createScript(`
local held = redis.call('HGET', KEYS[1], 'v')
if held and held ~= ARGV[2] and tonumber(held) > tonumber(ARGV[1]) then return held end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'v', ARGV[1], unpack(ARGV, 4))
if ARGV[3] ~= '0' then redis.call('PEXPIRE', KEYS[1], ARGV[3]) end
return false
`)

/** Writes one record; the answer is the newer version that was there and stayed, if one was. */
export async function applyRecord(
  redis: RedisClient,
  record: MirrorRecord,
  overwrite = '',
): Promise<string | undefined> {
  const fields = toFields(record)
  const args = [record.version, overwrite, fields ? 0 : TOMBSTONE_MS, ...Object.entries(fields ?? {}).flat()]
  return ((await APPLY(redis, toRedisKey(record), args)) as string | null) ?? undefined
}

/** Runs over items, so many at once; the first failure ends it. */
export async function inBatches<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  for (let start = 0; start < items.length; start += BATCH) {
    await Promise.all(items.slice(start, start + BATCH).map(work))
  }
}

/** The mirror in Redis, which all nodes and proxies share. */
export function createRedisMirror(redis: RedisClient): Mirror {
  let behind = false
  return {
    shared: true,
    source: 'redis',
    get current() {
      return !behind && redis.status === 'ready'
    },
    isComplete: () => isMarkedComplete(redis),
    async findHa1(realm, username, field) {
      const key = toRedisKey({ realm, username })
      const [sid, account, list, ha1] = await redis.hmget(key, 'sid', 'account', 'list', field)
      if (!sid || !account || !list) return undefined
      return {
        realm,
        username,
        credentialSid: sid,
        accountSid: account,
        credentialListSid: list,
        ha1: ha1 ?? undefined,
      }
    },
    async findAlgorithms(realm) {
      return parseAlgorithms(await redis.hget(toRedisKey({ realm, username: undefined }), 'algorithms'))
    },
    apply: (records) => inBatches(records, (record) => applyRecord(redis, record)),
    setBehind(value) {
      behind = value
    },
  }
}
