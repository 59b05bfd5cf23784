import type pg from 'pg'
import type { Circuit } from '../circuit.js'
import { isTimeout } from './database.js'

/** Adds a circuit to a pool: while the server hangs, connections are refused at once instead of waited for. */
export function addPoolCircuit(pool: pg.Pool, circuit: Circuit): void {
  const connect = pool.connect.bind(pool)

  async function connectIfAnswering(): Promise<pg.PoolClient> {
    // In words that are known to mean that the database could not answer.
    if (!circuit.mayAsk()) throw new Error('connection error: PostgreSQL did not answer a moment ago')
    try {
      return await connect()
    } catch (error) {
      note(error)
      throw error
    }
  }

  function note(error: unknown): void {
    if (isTimeout(error)) circuit.late()
    else circuit.answered()
  }

  type Callback = Parameters<typeof connect>[0]
  pool.connect = ((callback?: Callback) => {
    const connected = connectIfAnswering()
    if (!callback) return connected
    return connected.then(
      (client) => callback(undefined, client, client.release),
      (error) => callback(error, undefined, () => undefined),
    )
  }) as typeof pool.connect
  // Each use of a connection ends so, with the error that spoilt it, if one did.
  pool.on('release', (error) => note(error))
}
