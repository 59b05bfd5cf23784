import { Unavailable } from '../errors.js'
import { compareMirror } from '../mirror/compare.js'
import { type MarkerState, readMarker } from '../mirror/marker.js'
import type { Truth } from '../mirror/mirror.js'
import { rebuildMirror } from '../mirror/rebuild.js'
import { createProgressLog } from '../mirror-keeper.js'
import type { RecordKey } from '../record-key.js'
import type { RedisClient } from '../redis/client.js'
import { migrateWhenUp, openDatabase, openRedis } from '../stores.js'
import { createTruth } from '../truth.js'
import { type CommandContext, UsageError } from './command.js'

const ACTIONS = { check, rebuild } as const

type Tools = { readonly context: CommandContext; readonly redis: RedisClient; readonly truth: Truth }

/** `sipauthd mirror check|rebuild`: compares Redis with PostgreSQL, or makes it the same. */
export async function runMirror(context: CommandContext): Promise<number> {
  const [action = '', ...rest] = context.args
  if (!Object.hasOwn(ACTIONS, action) || rest.length > 0) {
    throw new UsageError(`sipauthd mirror takes one of ${Object.keys(ACTIONS).join(', ')}`)
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
    const redis = await openRedis(config, log)
    if (redis?.status !== 'ready') throw new Unavailable('Redis at REDIS_URL does not answer')
    try {
      return await ACTIONS[action as keyof typeof ACTIONS]({ context, redis, truth: createTruth(database.pool) })
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
  other_run: 'not complete: the mark is of another run of Redis, or this is a replica',
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

async function rebuild({ context, redis, truth }: Tools): Promise<number> {
  const done = await rebuildMirror({ redis, truth, onProgress: createProgressLog({ log: context.log, now: Date.now }) })
  if (!done) throw new Error('a running sipauthd is rebuilding the mirror at this moment; look again when it is done')
  context.print(`${done.written} records written, ${done.removed} removed\n`)
  return 0
}

function describeKey(key: RecordKey): string {
  if (key.kind === 'credential') return `credential ${key.username} in ${key.realm}`
  return key.kind === 'realm' ? `realm ${key.realm}` : `domain ${key.domain}`
}
