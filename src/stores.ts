import { setTimeout as sleep } from 'node:timers/promises'
import type { Config } from './config.js'
import { Unavailable } from './errors.js'
import type { Log } from './log.js'
import type { RedisClient } from './redis/client.js'
import { connectRedis } from './redis/client.js'
import { type Database, isDatabaseUnavailable } from './store/database.js'
import { openEmbedded } from './store/embedded.js'
import { migrate } from './store/migrate.js'
import { openPostgres } from './store/postgres.js'

/** How long a start waits for a PostgreSQL that is not up yet. */
const DATABASE_WAIT_MS = 30_000
const DATABASE_RETRY_MS = 1_000
/** How long a start waits for Redis before it goes on without it. */
const REDIS_WAIT_MS = 2_000

/** Opens the database that the configuration names; rejects with `DataDirInUse` where another process has it. */
export async function openDatabase(config: Config, log: Log): Promise<Database> {
  if (!config.DATABASE_URL) return openEmbedded(config.DATA_DIR, log)
  // Where there are workers, the primary is a process more.
  const processes = config.WORKERS === 1 ? 1 : config.WORKERS + 1
  return openPostgres(config.DATABASE_URL, log, processes)
}

/** Brings the schema up to date, waiting for a server that is still starting; `stopping` ends the wait, rejecting. */
export async function migrateWhenUp(
  database: Database,
  log: Log,
  now: () => number,
  stopping?: AbortSignal,
): Promise<readonly string[]> {
  const deadline = now() + DATABASE_WAIT_MS
  let told = false
  for (;;) {
    stopping?.throwIfAborted()
    try {
      return await migrate(database, log)
    } catch (error) {
      if (!isDatabaseUnavailable(error) || now() > deadline) throw error
      const wait = `it is waited for, for ${DATABASE_WAIT_MS / 1_000} seconds at most`
      if (!told) log.warn({ err: error }, `${database.description} does not answer yet; ${wait}`)
      told = true
      await sleep(DATABASE_RETRY_MS, undefined, stopping && { signal: stopping })
    }
  }
}

/** Connects to the Redis that the configuration names, and waits for it a little; undefined where it names none. */
export async function openRedis(config: Config, log: Log): Promise<RedisClient | undefined> {
  if (!config.REDIS_URL) return undefined
  const redis = connectRedis(config.REDIS_URL, log)
  if (!(await becomesReady(redis))) log.warn(`${redis.whyAway}; PostgreSQL stands in meanwhile`)
  return redis
}

/** The same for what can do nothing without it: rejects with `Unavailable` where it does not answer. */
export async function requireRedis(url: string, log: Log): Promise<RedisClient> {
  const redis = connectRedis(url, log)
  if (await becomesReady(redis)) return redis
  redis.disconnect()
  throw new Unavailable(redis.whyAway)
}

async function becomesReady(redis: RedisClient): Promise<boolean> {
  if (redis.status === 'ready') return true
  return new Promise((resolve) => {
    const timer = setTimeout(() => settle(false), REDIS_WAIT_MS)
    const onReady = () => settle(true)
    redis.once('ready', onReady)
    function settle(ready: boolean): void {
      clearTimeout(timer)
      redis.off('ready', onReady)
      resolve(ready)
    }
  })
}
