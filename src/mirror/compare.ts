import type { RedisClient } from '../redis/client.js'
import type { MirrorKey, MirrorRecord, Truth } from './mirror.js'
import { inBatches } from './redis-mirror.js'
import { HA1_FIELD_NAMES, toFields, toRedisKey } from './redis-record.js'
import { scanRecords } from './scan.js'

/** One record that the two stores do not agree on; `what` names fields and versions, never a value of an HA1. */
export type Difference = MirrorKey & { readonly what: string }

/**
 * Compares every credential and realm in both stores. A difference is looked at a second time, so that a change under
 * way is not taken for one.
 */
export async function* compareMirror(redis: RedisClient, truth: Truth): AsyncIterable<Difference> {
  for await (const slice of truth.walk()) {
    yield* confirm(slice.map((record) => ({ key: record, record })))
  }
  for await (const keys of scanRecords(redis)) {
    const known = new Set((await truth.read(keys)).map(toRedisKey))
    const unknown = keys.filter((key) => !known.has(toRedisKey(key)))
    yield* confirm(unknown.map((key) => ({ key, record: undefined })))
  }

  async function* confirm(pairs: readonly Pair[]): AsyncIterable<Difference> {
    const suspects: MirrorKey[] = []
    await inBatches(pairs, async ({ key, record }) => {
      if ((await differ(redis, key, record)) !== undefined) suspects.push(key)
    })
    for (const { realm, username } of suspects) {
      const [record] = await truth.read([{ realm, username }])
      const what = await differ(redis, { realm, username }, record)
      if (what !== undefined) yield { realm, username, what }
    }
  }
}

/** A key with what the database has there. */
type Pair = { readonly key: MirrorKey; readonly record: MirrorRecord | undefined }

/** In what Redis differs from what it is to hold; undefined where it does not. */
async function differ(
  redis: RedisClient,
  key: MirrorKey,
  record: MirrorRecord | undefined,
): Promise<string | undefined> {
  const held = await redis.hgetall(toRedisKey(key))
  const { v, ...fields } = held
  const wanted = record && toFields(record)
  if (!wanted) return Object.keys(fields).length > 0 ? 'is in Redis and not in PostgreSQL' : undefined
  if (v === undefined) return 'is in PostgreSQL and not in Redis'
  if (v !== record.version) return `has version ${record.version} in PostgreSQL and ${v} in Redis`
  const names = [...new Set([...Object.keys(wanted), ...Object.keys(fields)])].filter((n) => wanted[n] !== fields[n])
  return names.length > 0 ? `differs in ${names.map(describe).join(', ')}` : undefined
}

function describe(field: string): string {
  return HA1_FIELD_NAMES.has(field) ? `the HA1 ${field}` : field
}
