import { mkdir, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { createPgConfig } from '@electric-sql/pglite/node-postgres'
import pg from 'pg'
import type { Log } from '../log.js'
import type { Database } from './database.js'
import { lockFolder } from './folder-lock.js'
import { DURABLE, SyncedFolder } from './synced-folder.js'

/** Another process of this machine has this DATA_DIR open. */
export class DataDirInUse extends Error {
  override readonly name = 'DataDirInUse'
}

/**
 * Opens the embedded PostgreSQL in `<dataDir>/postgres`, created where it is missing, behind the real `pg` pool.
 * Rejects with `DataDirInUse` while another process has it.
 */
export async function openEmbedded(dataDir: string, log: Log): Promise<Database> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  const folder = await realpath(dataDir)
  const lock = await lockFolder(folder)
  // PGlite would open the folder a second time without complaint.
  if (!lock) {
    throw new DataDirInUse(`DATA_DIR ${folder} is in use by another sipauthd: stop that one, or set another DATA_DIR`)
  }
  const lite = await PGlite.create({
    fs: new SyncedFolder(join(folder, 'postgres')),
    startParams: DURABLE,
  }).catch(async (error) => {
    await lock.release()
    throw error
  })
  const pool = poolOver(lite)
  // Unheard, the error of a client that breaks would end the process.
  pool.on('error', (error) => log.warn({ err: error }, 'the connection to the embedded PostgreSQL broke'))
  return {
    pool,
    // There is one connection, which nobody can be kept off.
    reserve: pool,
    description: `embedded PostgreSQL in ${dataDir}`,
    async listen(channel, onNotify) {
      const stop = await lite.listen(channel, onNotify)
      return { connected: true, close: stop }
    },
    async openSession() {
      const client = await pool.connect()
      return { client, close: async () => client.release() }
    },
    async close() {
      await pool.end()
      await lite.close()
      await lock.release()
    },
  }
}

/** PGlite has one session, so the pool has one client; it starts each use from a clean session. */
function poolOver(lite: PGlite): pg.Pool {
  class LiteClient extends pg.Client {
    constructor(options?: string | pg.ClientConfig) {
      const { host, user, password, database, connection } = createPgConfig(lite)
      super({
        ...(typeof options === 'object' ? options : {}),
        ...{ host, user, password, database, connection },
      } as pg.ClientConfig)
    }
  }
  return new pg.Pool({
    Client: LiteClient,
    max: 1,
    idleTimeoutMillis: 0,
    onConnect: async (client: pg.ClientBase) => {
      await client.query('rollback; deallocate all')
    },
  } as pg.PoolConfig)
}
