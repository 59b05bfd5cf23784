import type { RecordKey } from '../record-key.js'
import type { RedisClient } from '../redis/client.js'
import { createScript } from '../redis/script.js'
import { type RebuildLease, takeRebuildLease } from './marker.js'
import type { Truth } from './mirror.js'
import { toRedisKey } from './redis-record.js'
import { scanRecords } from './scan.js'
import { inBatches, writeRecords } from './write-record.js'

/** How a rebuild went on: records written so far, out of how many credentials. */
export type Progress = { readonly written: number; readonly removed: number; readonly total: number }

/** Answers the version of a record, '' where it has none; nothing where it is a tombstone or gone. */
const SEE = createScript(`
if redis.call('TYPE', KEYS[1]).ok ~= 'hash' then return redis.call('EXISTS', KEYS[1]) == 1 and '' end
local version = redis.call('HGET', KEYS[1], 'v')
if version and redis.call('HLEN', KEYS[1]) == 1 and redis.call('PTTL', KEYS[1]) > 0 then return false end
return version or redis.call('EXISTS', KEYS[1]) == 1 and ''
`)

/** Deletes what is still as it was seen: KEYS[1] a record, ARGV its version then. */
const DROP = createScript(`
local version = redis.call('TYPE', KEYS[1]).ok == 'hash' and redis.call('HGET', KEYS[1], 'v') or ''
if version ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
`)

/**
 * Writes every record into Redis and removes what the database does not have, while both go on changing; then marks
 * the mirror as complete. Undefined while another node is doing it. Rejects when a store fails, or when Redis was
 * emptied meanwhile: then it wants to be done again.
 */
export async function rebuildMirror(deps: {
  readonly redis: RedisClient
  readonly truth: Truth
  readonly onProgress: (progress: Progress) => void
}): Promise<Progress | undefined> {
  const lease = await takeRebuildLease(deps.redis)
  if (!lease) return undefined
  try {
    return await rebuildWith(lease, deps)
  } finally {
    await lease.release()
  }
}

async function rebuildWith(
  lease: RebuildLease,
  { redis, truth, onProgress }: Parameters<typeof rebuildMirror>[0],
): Promise<Progress> {
  await lease.begin()
  const total = await truth.count()
  let written = 0
  let removed = 0
  async function step(): Promise<void> {
    if (!(await lease.renew())) throw new Error('another node has taken the rebuild over')
    onProgress({ written, removed, total })
    // PGlite answers without ever going back to the event loop.
    await new Promise((resolve) => setImmediate(resolve))
  }
  for await (const slice of truth.walk()) {
    await writeRecords(redis, truth, slice)
    written += slice.length
    await step()
  }
  for await (const keys of scanRecords(redis)) {
    removed += await removeUnknown(redis, truth, keys)
    await step()
  }
  if (!(await lease.complete())) throw new Error('Redis was emptied while its mirror was rebuilt')
  return { written, removed, total }
}

/** Removes records that have no row. The row is read after the record, so a new one is never taken for an old one. */
async function removeUnknown(redis: RedisClient, truth: Truth, keys: readonly RecordKey[]): Promise<number> {
  const held = new Map<string, { key: RecordKey; version: string }>()
  await inBatches(keys, async (key) => {
    const version = (await SEE(redis, toRedisKey(key), [])) as string | null
    if (version !== null) held.set(toRedisKey(key), { key, version })
  })
  const known = await truth.read([...held.values()].map(({ key }) => key))
  for (const record of known) held.delete(toRedisKey(record))
  let removed = 0
  await inBatches([...held], async ([redisKey, { version }]) => {
    if ((await DROP(redis, redisKey, [version])) === 1) removed++
  })
  return removed
}
