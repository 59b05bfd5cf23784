import type pg from 'pg'
import { compareMirror } from '../mirror/compare.js'
import { type MarkerState, markAsLeft, readMarker } from '../mirror/marker.js'
import type { Truth } from '../mirror/mirror.js'
import { rebuildMirror } from '../mirror/rebuild.js'
import { createProgressLog } from '../mirror-keeper.js'
import type { RecordKey } from '../record-key.js'
import type { RedisClient } from '../redis/client.js'
import { setMirroredInRedis } from '../store/instance.js'
import { migrateWhenUp, openDatabase, requireRedis } from '../stores.js'
import { createTruth } from '../truth.js'
import { type CommandContext, UsageError } from './command.js'

const ACTIONS = { check, rebuild, leave } as const

type Tools = {
  readonly context: CommandContext
  readonly pool: pg.Pool
  readonly redis: RedisClient
  readonly truth: Truth
}

/** `sipauthd mirror check|rebuild|leave`: compares Redis with PostgreSQL, makes it the same, or ends the mirroring. */
export async function runMirror(context: CommandContext): Promise<number> {
  const [action = '', ...rest] = context.args
  if (action === 'leave' && rest.join() === '--lost') return forget(context)
  if (!Object.hasOwn(ACTIONS, action) || rest.length > 0) {
    throw new UsageError(`sipauthd mirror takes one of ${Object.keys(ACTIONS).join(', ')}; leave takes --lost`)
  }
  const { config, log } = context
  if (!config.REDIS_URL) {
    throw new UsageError(
      'REDIS_URL must be set: without it the mirror lies in the server process and is made at its start',
    )
  }
  const database = await openDatabase(config, log)
  try {
    await migrateWhenUp(database, log, Date.now)
    const { pool } = database
    const redis = await requireRedis(config.REDIS_URL, log)
    try {
      return await ACTIONS[action as keyof typeof ACTIONS]({ context, pool, redis, truth: createTruth(pool) })
    } finally {
      redis.disconnect()
    }
  } finally {
    await database.close()
  }
}

const MARKER_WORDS: Readonly<Record<MarkerState, string>> = {
  complete: 'complete',
  building: 'not complete: it is being rebuilt',
  missing: 'not complete: the mark is missing',
  other_run: 'not complete: the mark is of another run of Redis, or it was left, or this is a replica',
}

/** Prints each difference on a line, and what the marker says; exit code 1 where it is not all in order. */
async function check({ context, redis, truth }: Tools): Promise<number> {
  let differences = 0
  for await (const { key, what } of compareMirror(redis, truth)) {
    differences++
    context.print(`${describeKey(key)} ${what}\n`)
  }
  const compared = await truth.count()
  const marker = await readMarker(redis)
  context.print(`${compared} credentials compared, ${differences} differences\n`)
  context.print(`the mirror is marked as ${MARKER_WORDS[marker]}\n`)
  return differences === 0 && marker === 'complete' ? 0 : 1
}

async function rebuild({ context, pool, redis, truth }: Tools): Promise<number> {
  await setMirroredInRedis(pool, true)
  const done = await rebuildMirror({ redis, truth, onProgress: createProgressLog({ log: context.log, now: Date.now }) })
  if (!done) throw new Error('a running sipauthd is rebuilding the mirror at this moment; look again when it is done')
  context.print(`${done.written} records written, ${done.removed} removed\n`)
  return 0
}

const LEFT = 'this database is mirrored in Redis no more: servers start without REDIS_URL\n'

/**
 * Servers may do without Redis from now on. The database says so first: a server that still runs with Redis then finds
 * the mark, and sets everything as it was.
 */
async function leave({ context, pool, redis }: Tools): Promise<number> {
  await setMirroredInRedis(pool, false)
  try {
    await markAsLeft(redis)
  } catch (error) {
    await setMirroredInRedis(pool, true)
    throw error
  }
  context.print(LEFT)
  return 0
}

/** The same where Redis is gone and cannot be told; whoever calls says that it does not come back as it was. */
async function forget({ config, log, print }: CommandContext): Promise<number> {
  const database = await openDatabase(config, log)
  try {
    await migrateWhenUp(database, log, Date.now)
    await setMirroredInRedis(database.pool, false)
    print(LEFT)
    return 0
  } finally {
    await database.close()
  }
}

function describeKey(key: RecordKey): string {
  if (key.kind === 'credential') return `credential ${key.username} in ${key.realm}`
  return key.kind === 'realm' ? `realm ${key.realm}` : `domain ${key.domain}`
}
