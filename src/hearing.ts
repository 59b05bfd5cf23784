import type { Queryable } from './store/database.js'

const LOOK_MS = 250
/** A database that takes longer is no help to a check either. */
const ANSWER_MS = 500

/** Whether this node would know of a change that another one commits. */
export type Hearing = {
  /** False while LISTEN is down and the database could be asked instead. */
  readonly good: boolean
  close(): void
}

/**
 * Watches a LISTEN connection. While it is down, changes may be missed, so the database is to be asked, unless that is
 * away as well: then what was heard last is the best there is.
 */
export function watchHearing(deps: {
  readonly db: Queryable
  readonly listener: { readonly connected: boolean }
}): Hearing {
  const { db, listener } = deps
  let databaseAnswers = true
  let asking = false

  async function look(): Promise<void> {
    if (listener.connected) databaseAnswers = true
    // One question at a time, however long a database that hangs keeps it.
    if (listener.connected || asking) return
    asking = true
    const late = setTimeout(() => {
      databaseAnswers = false
    }, ANSWER_MS)
    databaseAnswers = await db.query('select 1').then(
      () => true,
      () => false,
    )
    clearTimeout(late)
    asking = false
  }

  const timer = setInterval(look, LOOK_MS)
  return {
    get good() {
      return listener.connected || !databaseAnswers
    },
    close: () => clearInterval(timer),
  }
}
