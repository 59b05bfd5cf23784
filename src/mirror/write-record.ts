import type { RedisClient } from '../redis/client.js'
import { createScript } from '../redis/script.js'
import type { MirrorRecord, Truth } from './mirror.js'
import { toFields, toRedisKey } from './redis-record.js'

/** Commands sent at once; more would only wait in Redis and block others. */
const BATCH = 200

/** How long a deletion is remembered, so that an older change that comes late does not undo it. */
const TOMBSTONE_MS = 3_600_000

/**
 * KEYS[1] a record; ARGV: its version, a newer version that may be overwritten all the same (or ''), ms to live (0 for
 * ever), fields and values. Answers the version held, where that is newer and stays. Versions outgrow a double, so they
 * are compared as digits; what is no hash, or has no version, is damage and holds nothing.
 */
const APPLY = createScript(`
local held = redis.call('TYPE', KEYS[1]).ok == 'hash' and redis.call('HGET', KEYS[1], 'v')
if held and held ~= ARGV[2] and string.match(held, '^[1-9]%d*$') then
  if #held > #ARGV[1] or (#held == #ARGV[1] and held > ARGV[1]) then return held end
end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'v', ARGV[1], unpack(ARGV, 4))
if ARGV[3] ~= '0' then redis.call('PEXPIRE', KEYS[1], ARGV[3]) end
return false
`)

async function applyRecord(redis: RedisClient, record: MirrorRecord, overwrite: string): Promise<string | undefined> {
  const fields = toFields(record)
  const args = [record.version, overwrite, fields ? 0 : TOMBSTONE_MS, ...Object.entries(fields ?? {}).flat()]
  return ((await APPLY(redis, toRedisKey(record), args)) as string | null) ?? undefined
}

/**
 * Writes one record. A newer version in Redis is a change that came after the row was read. If the row, read again, is
 * still older, Redis is wrong: nothing is mirrored before it is committed.
 */
export async function writeRecord(redis: RedisClient, truth: Truth | undefined, record: MirrorRecord): Promise<void> {
  const newer = await applyRecord(redis, record, '')
  if (newer === undefined || !truth) return
  const [now] = await truth.read([record])
  if (now && BigInt(now.version) < BigInt(newer)) await applyRecord(redis, now, newer)
}

/** Runs over items, so many at once; the first failure ends it. */
export async function inBatches<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  for (let start = 0; start < items.length; start += BATCH) {
    await Promise.all(items.slice(start, start + BATCH).map(work))
  }
}
