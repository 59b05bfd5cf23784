import type { RecordKey } from '../record-key.js'
import type { RedisClient } from '../redis/client.js'
import type { MirrorRecord, Truth } from './mirror.js'
import { HA1_FIELD_NAMES, toFields, toRedisKey } from './redis-record.js'
import { scanRecords } from './scan.js'
import { inBatches } from './write-record.js'

/** One record that the two stores do not agree on; `what` names fields and versions, never a value of an HA1. */
export type Difference = { readonly key: RecordKey; readonly what: string }

/** The longest that a committed change may take to reach Redis. */
const UNDER_WAY_MS = 1_000

/**
 * Compares every credential and realm in both stores. A difference is looked at a second time when a change under way
 * would have arrived, so that none is taken for one.
 */
export async function* compareMirror(redis: RedisClient, truth: Truth): AsyncIterable<Difference> {
  const suspects = await findSuspects(redis, truth)
  if (suspects.length > 0) await new Promise((resolve) => setTimeout(resolve, UNDER_WAY_MS))
  for (const key of suspects) {
    const [record] = await truth.read([key])
    const what = await differ(redis, key, record)
    if (what === undefined) continue
    const [after] = await truth.read([key])
    if (after?.version === record?.version) yield { key, what }
  }
}

async function findSuspects(redis: RedisClient, truth: Truth): Promise<readonly RecordKey[]> {
  const suspects: RecordKey[] = []
  async function look(key: RecordKey, record: MirrorRecord | undefined): Promise<void> {
    if ((await differ(redis, key, record)) !== undefined) suspects.push(key)
  }
  for await (const slice of truth.walk()) await inBatches(slice, (record) => look(record, record))
  for await (const keys of scanRecords(redis)) {
    const known = new Set((await truth.read(keys)).map(toRedisKey))
    const unknown = keys.filter((key) => !known.has(toRedisKey(key)))
    await inBatches(unknown, (key) => look(key, undefined))
  }
  return suspects
}

/** In what Redis differs from what it is to hold; undefined where it does not. */
async function differ(
  redis: RedisClient,
  key: RecordKey,
  record: MirrorRecord | undefined,
): Promise<string | undefined> {
  const redisKey = toRedisKey(key)
  const type = await redis.type(redisKey)
  if (type !== 'none' && type !== 'hash') return `is a ${type} in Redis where a hash belongs`
  const [{ v, ...fields }, ttlMs] = await Promise.all([redis.hgetall(redisKey), redis.pttl(redisKey)])
  const wanted = record && toFields(record)
  if (!wanted) {
    // A deletion leaves its version behind for a while, and nothing else.
    const isTombstone = Object.keys(fields).length === 0 && (v === undefined || ttlMs >= 0)
    return isTombstone ? undefined : 'is in Redis and not in PostgreSQL'
  }
  if (v === undefined && Object.keys(fields).length === 0) return 'is in PostgreSQL and not in Redis'
  if (v !== record.version) return `has version ${record.version} in PostgreSQL and ${v ?? 'none'} in Redis`
  const names = [...new Set([...Object.keys(wanted), ...Object.keys(fields)])]
    .filter((n) => wanted[n] !== fields[n])
    .sort()
  if (names.length > 0) return `differs in ${names.map(describe).join(', ')}`
  return ttlMs >= 0 ? 'would expire in Redis' : undefined
}

function describe(field: string): string {
  return HA1_FIELD_NAMES.has(field) ? `the HA1 ${field}` : /^\w{1,64}$/.test(field) ? field : JSON.stringify(field)
}
