import { type Config, ConfigError } from './config.js'
import type { Queryable } from './store/database.js'
import { isMirroredInRedis, setMirroredInRedis } from './store/instance.js'

const RULE =
  'REDIS_URL is not set, but this database is mirrored in Redis, which would lack what is written without it: set it ' +
  'as the other servers have it, or end the mirroring with `sipauthd mirror leave` (docs/operations.md)'

/**
 * Lets a server start that says the same of Redis as all others on its database: the first with REDIS_URL is
 * remembered, and from then on none without it starts. Rejects with a `ConfigError` then.
 */
export async function settleMirroring(db: Queryable, config: Pick<Config, 'REDIS_URL'>): Promise<void> {
  if (config.REDIS_URL) return setMirroredInRedis(db, true)
  if (await isMirroredInRedis(db)) throw new ConfigError([RULE])
}
