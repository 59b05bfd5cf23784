import { join } from 'node:path'
import { runner } from 'node-pg-migrate'
import type { Log } from '../log.js'
import { packageRoot } from '../package-root.js'
import type { Database } from './database.js'

/** Any number will do, as long as every node takes the same one. */
const MIGRATION_LOCK = 5060_5061

/**
 * Brings the schema up to date and returns the names of the migrations that ran. Safe when several nodes start at
 * once: they take turns on an advisory lock, and the later ones find nothing left to do.
 */
export async function migrate(database: Database, log: Log): Promise<string[]> {
  const session = await database.openSession()
  const { client } = session
  try {
    await client.query('select pg_advisory_lock($1)', [MIGRATION_LOCK])
    const ran = await runner({
      dbClient: client,
      dir: join(packageRoot(), 'src/store/migrations'),
      migrationsTable: 'sipauthd_migrations',
      direction: 'up',
      noLock: true,
      logger: {
        debug: (message) => log.debug(message),
        info: (message) => log.debug(message),
        warn: (message) => log.warn(message),
        error: (message) => log.error(message),
      },
    })
    await client.query('select pg_advisory_unlock($1)', [MIGRATION_LOCK])
    return ran.map(({ name }) => name)
  } finally {
    await session.close()
  }
}
