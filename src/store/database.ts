import type pg from 'pg'

/** Anything that runs SQL: the pool, or the client of a transaction. */
export type Queryable = { query: pg.Pool['query'] }

/** A PostgreSQL, on a server or embedded, behind the same `pg` pool. */
export type Database = {
  readonly pool: pg.Pool
  /** A few connections more, which writes never hold: for checks, and for finding out whether the database is there. */
  readonly reserve: pg.Pool
  /** Where it is, fit for a log line: no password. */
  readonly description: string
  /** Calls back for each NOTIFY on the channel; `onLost` when some may have been missed, once listening works again. */
  listen(channel: string, onNotify: (payload: string) => void, onLost: () => void): Promise<Listener>
  /** A connection of its own and without time limits, for migrations. */
  openSession(): Promise<Session>
  close(): Promise<void>
}

/** A connection outside the pool. */
export type Session = { readonly client: pg.ClientBase; close(): Promise<void> }

/** A running LISTEN. */
export type Listener = {
  /** Whether notifications arrive at this moment. */
  readonly connected: boolean
  close(): Promise<void>
}

/** Errors after which the same transaction may well succeed: serialization_failure and deadlock_detected. */
const PASSING_CODES: ReadonlySet<string> = new Set(['40001', '40P01'])
const ATTEMPTS_MAX = 3

/**
 * Runs `work` in one transaction: committed when it returns, rolled back when it throws. After a deadlock or a
 * serialization failure it runs again, twice at most, so everything that it does must lie in the transaction.
 */
export async function inTransaction<T>(pool: pg.Pool, work: (tx: pg.PoolClient) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await tryTransaction(pool, work)
    } catch (error) {
      if (attempt === ATTEMPTS_MAX || !PASSING_CODES.has(codeOf(error))) throw error
    }
  }
}

async function tryTransaction<T>(pool: pg.Pool, work: (tx: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect()
  let broken: Error | undefined
  // Unheard, the error of a connection that breaks between two queries would end the process.
  const onError = (error: Error) => {
    broken = error
  }
  client.on('error', onError)
  try {
    await client.query('begin')
    const result = await work(client)
    await client.query('commit')
    return result
  } catch (error) {
    // A connection that cannot even roll back is thrown away, which ends its transaction as well. One whose server
    // does not answer would only be waited for once more.
    if (isTimeout(error)) broken = error
    else {
      await client.query('rollback').catch((failure: Error) => {
        broken = failure
      })
    }
    throw error
  } finally {
    client.off('error', onError)
    client.release(broken)
  }
}

const UNAVAILABLE_CODES: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOENT',
  'EACCES',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  '25006', // read_only_sql_transaction: a standby
  '40001', // serialization_failure: the transaction may be tried again
  '40P01', // deadlock_detected: likewise
  '53100', // disk_full
  '53200', // out_of_memory
  '53300', // too_many_connections
  '55P03', // lock_not_available
  '57014', // query_canceled: statement_timeout
  '57P01', // admin_shutdown
  '57P02', // crash_shutdown
  '57P03', // cannot_connect_now
])

const UNAVAILABLE_MESSAGES = /connection terminated|timeout exceeded|query read timeout|connection error|not queryable/i

/** Whether an error of a query means that the database could not answer, rather than that it refused. */
export function isDatabaseUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const code = codeOf(error)
  return UNAVAILABLE_CODES.has(code) || code.startsWith('08') || UNAVAILABLE_MESSAGES.test(error.message)
}

const TIMEOUT_MESSAGES = /timeout exceeded|query read timeout|connection timeout/i

/** Whether an error means that the server stayed silent for as long as it is waited for, even in saying no. */
export function isTimeout(error: unknown): error is Error {
  return error instanceof Error && TIMEOUT_MESSAGES.test(error.message)
}

/** SQLSTATE, or the code of a system error; '' where there is none. */
function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

/** Name of the unique constraint that a query ran into, if that is why it failed (SQLSTATE 23505). */
export function violatedUnique(error: unknown): string | undefined {
  return violated(error, '23505')
}

/** Name of the foreign key that a query ran into, if that is why it failed (SQLSTATE 23503). */
export function violatedForeignKey(error: unknown): string | undefined {
  return violated(error, '23503')
}

function violated(error: unknown, code: string): string | undefined {
  if (codeOf(error) !== code) return undefined
  const constraint = error instanceof Error && 'constraint' in error ? error.constraint : ''
  return typeof constraint === 'string' ? constraint : ''
}
