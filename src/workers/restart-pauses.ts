/** Pauses before a process that ended is started again. */
export type RestartPauses = {
  /** The next pause in ms, for one that has lived so long: each twice as long as the one before, until one lived long. */
  next(livedMs: number): number
}

const FIRST_MS = 100
const LONGEST_MS = 10_000
/** Who has lived so long did not die of how it was started. */
const LONG_LIFE_MS = 60_000

/** Begins with the shortest pause. */
export function createRestartPauses(): RestartPauses {
  let pauseMs = FIRST_MS
  return {
    next(livedMs) {
      if (livedMs >= LONG_LIFE_MS) pauseMs = FIRST_MS
      const now = pauseMs
      pauseMs = Math.min(2 * pauseMs, LONGEST_MS)
      return now
    },
  }
}
