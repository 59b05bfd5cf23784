import type pg from 'pg'
import type { Log } from './log.js'
import { deleteOldAudit } from './store/audit.js'

/** Deletes what the audit trail has kept long enough. */
export type AuditSweep = {
  /** Begins a round now, and another every hour. */
  start(): void
  /** Ends the rounds; one that runs is left off after its batch. */
  close(): Promise<void>
}

const ROUND_MS = 3_600_000
/** Small enough to hold no other write up; a round that leaves some over has the next one follow. */
const BATCH = 1_000
const BATCHES_MAX = 1_000

/** Every node has one: those that sweep at once share the work. `days` is how long a line is kept, 0 for ever. */
export function createAuditSweep(deps: {
  readonly pool: pg.Pool
  readonly days: number
  readonly log: Log
}): AuditSweep {
  const { pool, days, log } = deps
  let timer: NodeJS.Timeout | undefined
  let round: Promise<void> | undefined
  let closed = false

  async function sweep(): Promise<void> {
    let deleted = 0
    try {
      for (let batch = 0; batch < BATCHES_MAX && !closed; batch++) {
        const count = await deleteOldAudit(pool, days, BATCH)
        deleted += count
        if (count < BATCH) break
      }
    } catch (error) {
      log.warn({ err: error }, 'the audit trail could not be swept; trying again in an hour')
    }
    if (deleted > 0) log.info({ deleted, days }, 'old lines of the audit trail deleted')
  }

  function begin(): void {
    if (days === 0) return
    round = sweep().then(() => {
      if (!closed) timer = setTimeout(begin, ROUND_MS)
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
