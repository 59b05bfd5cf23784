import type pg from 'pg'
import type { Log } from './log.js'
import type { Mirror } from './mirror/mirror.js'
import type { Publisher } from './provision/publisher.js'
import { dropSweeps, sweepSlice } from './store/account-sweeps.js'
import { inTransaction } from './store/database.js'

/** Brings the credentials of accounts whose status has changed into the mirror. */
export type AccountSweeper = {
  start(): void
  /** Sweeps to the end, but for what other nodes are at. */
  finish(): Promise<void>
  /** Ends the rounds; one that runs is left off after its slice, and another node, or the next start, goes on. */
  close(): Promise<void>
}

const POLL_MS = 500
/** Small enough to hold nothing else up. */
const SLICE = 500

/**
 * The realms' records have stopped or allowed every check by then; this is for the records of the users themselves,
 * which proxies read in Redis; where there is none, there is nothing to do. Every node has one: a sweep is one node's at
 * a time.
 */
export function createAccountSweeper(deps: {
  readonly pool: pg.Pool
  readonly publisher: Publisher
  readonly mirror: Pick<Mirror, 'shared' | 'current'>
  readonly log: Log
}): AccountSweeper {
  const { pool, publisher, mirror, log } = deps
  let timer: NodeJS.Timeout | undefined
  let round: Promise<void> | undefined
  let closed = false

  async function sweep(mayGoOn: () => boolean): Promise<void> {
    let swept = 0
    try {
      if (!mirror.shared) return await dropSweeps(pool)
      while (!closed && mayGoOn()) {
        const changes = await inTransaction(pool, (tx) => sweepSlice(tx, SLICE))
        if (changes === undefined) break
        await publisher.publish(changes)
        swept += changes.length
        // The embedded database answers without ever going back to the event loop.
        await new Promise((resolve) => setImmediate(resolve))
      }
    } catch (error) {
      log.debug({ err: error }, 'accounts could not be swept yet')
    }
    if (swept > 0) log.info({ credentials: swept }, 'credentials follow the status of their account')
  }

  function begin(): void {
    // While Redis takes nothing, no more is written for it.
    round = sweep(() => mirror.current).then(() => {
      if (!closed) timer = setTimeout(begin, POLL_MS)
    })
  }

  return {
    start: begin,
    finish: () => sweep(() => true),
    async close() {
      closed = true
      clearTimeout(timer)
      await round
    },
  }
}
