import type { Config } from './config.js'
import type { Log } from './log.js'
import type { Queryable } from './store/database.js'
import { isMirroredInRedis, setMirroredInRedis } from './store/instance.js'

const WARNING =
  'REDIS_URL is not set, but this database is mirrored in Redis: what is written here waits in the outbox for servers ' +
  'with Redis; set it as they have it, or end the mirroring with `sipauthd mirror leave` (docs/operations.md)'

/**
 * Remembers that Redis mirrors the database, from the first server with REDIS_URL on: one without it takes nothing out
 * of the outbox from then on, and says so.
 */
export async function settleMirroring(db: Queryable, config: Pick<Config, 'REDIS_URL'>, log: Log): Promise<void> {
  if (config.REDIS_URL) return setMirroredInRedis(db, true)
  if (await isMirroredInRedis(db)) log.warn(WARNING)
}
