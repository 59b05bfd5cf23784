import { nameKey } from '../record-key.js'
import type { RedisClient } from '../redis/client.js'
import { createScript } from '../redis/script.js'
import type { MirrorRecord, Truth } from './mirror.js'
import { toFields, toRedisKey } from './redis-record.js'

/** Records on their way at once; more would only wait in Redis and block others. */
const BATCH = 200

/** Records of one call: they keep Redis from others for less than half a millisecond. */
const CALL = 50

/** How long a deletion is remembered, so that an older change that comes late does not undo it. */
const TOMBSTONE_MS = 3_600_000

/**
 * KEYS: records; ARGV, for each: its version, a newer version that may be overwritten all the same (or ''), ms to live
 * (0 for ever), how many fields and values follow, and those. Answers for each the version held, where that is newer and
 * stays. Versions outgrow a double, so they are compared as digits; what is no hash, or has no version, is damage and
 * holds nothing.
 */
const APPLY = createScript(`
local function isNewer(held, version)
  if not string.match(held, '^[1-9]%d*$') then return false end
  return #held > #version or (#held == #version and held > version)
end
local answers = {}
local at = 1
for i, key in ipairs(KEYS) do
  local version, overwrite, ms = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  local first, last = at + 4, at + 3 + tonumber(ARGV[at + 3])
  local held = redis.call('TYPE', key).ok == 'hash' and redis.call('HGET', key, 'v')
  if held and held ~= overwrite and isNewer(held, version) then
    answers[i] = held
  else
    redis.call('DEL', key)
    redis.call('HSET', key, 'v', version, unpack(ARGV, first, last))
    if ms ~= '0' then redis.call('PEXPIRE', key, ms) end
    answers[i] = false
  end
  at = last + 1
end
return answers
`)

/** A record, and a newer version of it that may be overwritten all the same. */
type Write = { readonly record: MirrorRecord; readonly overwrite: string }

/** Answers for each the version held where that is newer and stays. */
async function applyAll(redis: RedisClient, writes: readonly Write[]): Promise<readonly (string | null)[]> {
  const args: (string | number)[] = []
  for (const { record, overwrite } of writes) {
    const fields = toFields(record)
    const pairs = Object.entries(fields ?? {}).flat()
    args.push(record.version, overwrite, fields ? 0 : TOMBSTONE_MS, pairs.length, ...pairs)
  }
  const keys = writes.map(({ record }) => toRedisKey(record))
  return (await APPLY(redis, keys, args)) as (string | null)[]
}

/**
 * Writes a few records in one call. A newer version in Redis is a change that came after the row was read. If the row,
 * read again, is still older, Redis is wrong: nothing is mirrored before it is committed.
 */
async function writeFew(redis: RedisClient, truth: Truth | undefined, records: readonly MirrorRecord[]): Promise<void> {
  const held = await applyAll(
    redis,
    records.map((record) => ({ record, overwrite: '' })),
  )
  const newer = new Map(records.flatMap((record, index) => (held[index] ? [[nameKey(record), held[index]]] : [])))
  if (newer.size === 0 || !truth) return
  const now = await truth.read(records.filter((record) => newer.has(nameKey(record))))
  const wrong = now.flatMap((record) => {
    const overwrite = newer.get(nameKey(record))
    return overwrite !== undefined && BigInt(record.version) < BigInt(overwrite) ? [{ record, overwrite }] : []
  })
  if (wrong.length > 0) await applyAll(redis, wrong)
}

/**
 * Writes records, many in one call; in a cluster, where they lie on several servers, each by itself. The first failure
 * ends it, when nothing is on its way any more.
 */
export async function writeRecords(
  redis: RedisClient,
  truth: Truth | undefined,
  records: readonly MirrorRecord[],
): Promise<void> {
  const size = redis.isCluster ? 1 : CALL
  for (let start = 0; start < records.length; start += BATCH) {
    const calls: Promise<void>[] = []
    const end = Math.min(records.length, start + BATCH)
    for (let at = start; at < end; at += size) {
      calls.push(writeFew(redis, truth, records.slice(at, Math.min(end, at + size))))
    }
    const failure = (await Promise.allSettled(calls)).find(({ status }) => status === 'rejected')
    if (failure?.status === 'rejected') throw failure.reason
  }
}

/** Runs over items, so many at once; the first failure ends it. */
export async function inBatches<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  for (let start = 0; start < items.length; start += BATCH) {
    await Promise.all(items.slice(start, start + BATCH).map(work))
  }
}
