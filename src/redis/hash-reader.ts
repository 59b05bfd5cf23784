import type { Redis } from 'ioredis'
import { createBatch } from './batch.js'
import type { RedisClient } from './client.js'
import { createScript } from './script.js'

/** Values of a hash's fields, in their order; null for each that is not there. */
export type FieldValues = readonly (string | null)[]

/** Reads a hash; rejects where Redis does not answer in time, or has something else at that key. */
export type HashReader = (key: string) => Promise<FieldValues>

/** Hashes of one call: while Redis reads those of the next one, this process reads its answer. */
const HASHES_MAX = 32

/** KEYS: hashes; ARGV: fields. For each hash their values, or why it could not be read. */
const READ = createScript(`
local found = {}
for i = 1, #KEYS do found[i] = redis.pcall('HMGET', KEYS[i], unpack(ARGV)) end
return found
`)

/** Whether one server is being asked something. */
function awaitsAnswers(redis: RedisClient): boolean {
  return !redis.isCluster && (redis as Redis).commandQueue.length > 0
}

/**
 * Reads the same fields of one hash after the other. One goes out at once where no answer is awaited; those that are
 * wanted while one is, go together at the end of the turn of the event loop: when many phones come at a time, a command
 * for each costs this process more than all the rest of a lookup. In a cluster each goes by itself.
 */
export function createHashReader(redis: RedisClient, fields: readonly string[]): HashReader {
  async function ask(keys: readonly string[]): Promise<readonly (FieldValues | Error)[]> {
    const [key] = keys
    if (key !== undefined && keys.length === 1) return [await redis.hmget(key, ...fields)]
    return (await READ(redis, keys, fields)) as (FieldValues | Error)[]
  }

  const readTogether = createBatch({ ask, most: HASHES_MAX })
  return (key) => (awaitsAnswers(redis) ? readTogether(key) : redis.hmget(key, ...fields))
}
