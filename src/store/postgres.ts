import pg from 'pg'
import { createCircuit } from '../circuit.js'
import type { Log } from '../log.js'
import type { Database } from './database.js'
import { listenOn } from './listen.js'
import { addPoolCircuit } from './pool-circuit.js'

const CONNECT_TIMEOUT_MS = 2_000
/** Longest that a statement may take, a wait for a lock included. */
const STATEMENT_TIMEOUT_MS = 5_000
/** Whoever asks on the reserve, a check or a probe, waits for less than that. */
const RESERVE_STATEMENT_TIMEOUT_MS = 1_000
/** How much longer a server that does not even say so is waited for. */
const SILENCE_MS = 1_000
/** Connections of a node at most, which its processes share out among them; but so many has each. */
const CONNECTIONS = { all: 20, least: 4 } as const
const RESERVE = { all: 8, least: 2 } as const

/**
 * Opens pools on a PostgreSQL server (13 and later), for one of so many processes of a node. Connects lazily: an absent
 * server shows at the first query.
 */
export function openPostgres(url: string, log: Log, processes = 1): Database {
  const settings = { connectionString: url, connectionTimeoutMillis: CONNECT_TIMEOUT_MS, application_name: 'sipauthd' }
  const pool = openPool({ ...settings, max: shareOf(CONNECTIONS, processes) }, STATEMENT_TIMEOUT_MS, log)
  addPoolCircuit(pool, createCircuit({ now: Date.now }))
  // Checks have a circuit of their own, and a probe must go ahead.
  const reserve = openPool({ ...settings, max: shareOf(RESERVE, processes) }, RESERVE_STATEMENT_TIMEOUT_MS, log)
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

function shareOf({ all, least }: { readonly all: number; readonly least: number }, processes: number): number {
  return Math.max(least, Math.ceil(all / processes))
}

function openPool(settings: pg.PoolConfig, timeoutMs: number, log: Log): pg.Pool {
  const pool = new pg.Pool({
    ...settings,
    statement_timeout: timeoutMs,
    query_timeout: timeoutMs + SILENCE_MS,
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
