import pg from 'pg'
import type { Log } from '../log.js'
import type { Database } from './database.js'
import { listenOn } from './listen.js'

const CONNECT_TIMEOUT_MS = 2_000
const QUERY_TIMEOUT_MS = 5_000
const CONNECTIONS_MAX = 20
const RESERVE_MAX = 8

/** Opens pools on a PostgreSQL server (13 and later). Connects lazily: an absent server shows at the first query. */
export function openPostgres(url: string, log: Log): Database {
  const settings = { connectionString: url, connectionTimeoutMillis: CONNECT_TIMEOUT_MS, application_name: 'sipauthd' }
  const pool = openPool({ ...settings, max: CONNECTIONS_MAX }, log)
  const reserve = openPool({ ...settings, max: RESERVE_MAX }, log)
  return {
    pool,
    reserve,
    description: describe(url),
    listen: (channel, onNotify, onLost) => listenOn({ settings, channel, onNotify, onLost, log }),
    async openSession() {
      const client = new pg.Client(settings)
      // The query that runs is rejected as well; unheard, this would end the process.
      client.on('error', (error) => log.warn({ err: error }, 'a PostgreSQL session broke'))
      await client.connect()
      return { client, close: () => client.end() }
    },
    async close() {
      await Promise.all([pool.end(), reserve.end()])
    },
  }
}

function openPool(settings: pg.PoolConfig, log: Log): pg.Pool {
  const pool = new pg.Pool({
    ...settings,
    statement_timeout: QUERY_TIMEOUT_MS,
    query_timeout: QUERY_TIMEOUT_MS + 1_000,
    keepAlive: true,
  })
  // An idle connection that breaks is the pool's to replace; unheard, its error would end the process.
  pool.on('error', (error) => log.warn({ err: error }, 'an idle PostgreSQL connection broke'))
  return pool
}

/** The address without user and password. */
function describe(url: string): string {
  try {
    const { host, pathname } = new URL(url)
    return `postgres://${host}${pathname}`
  } catch {
    return 'postgres://…'
  }
}
