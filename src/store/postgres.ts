import pg from 'pg'
import type { Log } from '../log.js'
import type { Database, Listener } from './database.js'

const CONNECT_TIMEOUT_MS = 2_000
const QUERY_TIMEOUT_MS = 5_000
const LISTEN_RETRY_MS = 250

/** Opens a pool on a PostgreSQL server (13 and later). Connects lazily: an absent server shows at the first query. */
export function openPostgres(url: string, log: Log): Database {
  const settings = { connectionString: url, connectionTimeoutMillis: CONNECT_TIMEOUT_MS, application_name: 'sipauthd' }
  const pool = new pg.Pool({
    ...settings,
    max: 20,
    statement_timeout: QUERY_TIMEOUT_MS,
    query_timeout: QUERY_TIMEOUT_MS + 1_000,
    keepAlive: true,
  })
  // An idle connection that breaks is the pool's to replace; unheard, its error would end the process.
  pool.on('error', (error) => log.warn({ err: error }, 'an idle PostgreSQL connection broke'))
  return {
    pool,
    description: describe(url),
    listen: (channel, onNotify, onLost) => listenOn(settings, channel, onNotify, onLost, log),
    async openSession() {
      const client = new pg.Client(settings)
      await client.connect()
      return { client, close: () => client.end() }
    },
    close: () => pool.end(),
  }
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

/** Keeps one connection on LISTEN, for as long as it takes; every reconnect is a loss, since NOTIFY is not kept. */
async function listenOn(
  settings: pg.ClientConfig,
  channel: string,
  onNotify: (payload: string) => void,
  onLost: () => void,
  log: Log,
): Promise<Listener> {
  let client: pg.Client | undefined
  let closed = false
  let timer: NodeJS.Timeout | undefined

  async function connect(): Promise<void> {
    const next = new pg.Client({ ...settings, keepAlive: true })
    next.on('error', (error) => log.warn({ err: error }, 'the LISTEN connection broke'))
    next.on('end', () => {
      if (client === next) client = undefined
      retry()
    })
    next.on('notification', (message) => onNotify(message.payload ?? ''))
    try {
      await next.connect()
      await next.query(`listen ${pg.escapeIdentifier(channel)}`)
      client = next
    } catch (error) {
      await next.end().catch((failure) => log.debug({ err: failure }, 'a failed LISTEN connection did not close'))
      throw error
    }
  }

  function retry(): void {
    if (closed || timer) return
    timer = setTimeout(async () => {
      timer = undefined
      try {
        await connect()
        onLost()
      } catch (error) {
        log.debug({ err: error }, 'LISTEN cannot reconnect yet')
        retry()
      }
    }, LISTEN_RETRY_MS)
  }

  await connect()
  return {
    get connected() {
      return client !== undefined
    },
    async close() {
      closed = true
      clearTimeout(timer)
      await client?.end()
    },
  }
}
