import type { Closers } from './closers.js'
import type { Log } from './log.js'
import { withinTime } from './time-limit.js'

/** Longest time that a stop may take; what is not done then is left to the relay of the next start. */
const DRAIN_MS = 9_000

/** Closes all that is open, and says so where that takes too long. */
export async function closeInTime(closers: Closers, log: Log): Promise<void> {
  const closing = withinTime(DRAIN_MS, closers.closeAll())
  await closing.catch((error) => log.warn({ err: error }, 'not everything was closed in time'))
}
