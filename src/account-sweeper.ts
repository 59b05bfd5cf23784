import type pg from 'pg'
import type { Log } from './log.js'
import type { Publisher } from './provision/publisher.js'
import { sweepSlice } from './store/account-sweeps.js'
import { inTransaction } from './store/database.js'

/** Brings the credentials of accounts whose status has changed into the mirror. */
export type AccountSweeper = {
  start(): void
  /** Ends the rounds; one that runs is left off after its slice, and another node, or the next start, goes on. */
  close(): Promise<void>
}

const POLL_MS = 500
/** Small enough to hold nothing else up. */
const SLICE = 500

/**
 * The realms' records have stopped or allowed every check by then; this is for the records of the users themselves,
 * which proxies read. Every node has one: a sweep is one node's at a time.
 */
export function createAccountSweeper(deps: {
  readonly pool: pg.Pool
  readonly publisher: Publisher
  readonly log: Log
}): AccountSweeper {
  const { pool, publisher, log } = deps
  let timer: NodeJS.Timeout | undefined
  let round: Promise<void> | undefined
  let closed = false

  async function sweep(): Promise<void> {
    let swept = 0
    try {
      while (!closed) {
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
    round = sweep().then(() => {
      if (!closed) timer = setTimeout(begin, POLL_MS)
    })
  }

  return {
    start: begin,
    async close() {
      closed = true
      clearTimeout(timer)
      await round
    },
  }
}
