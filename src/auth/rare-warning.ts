import type { Log } from '../log.js'

/** At most one line in this time, where nothing else is said. */
const QUIET_MS = 10_000
/** The same where what it tells of goes on for long, and is told of elsewhere too. */
export const OUTAGE_QUIET_MS = 60_000

/** Warns of what may happen with every request; takes the error that tells why. */
export type RareWarning = (error: unknown) => void

/**
 * A warning that is logged at once, and then at most once in ten seconds or in `quietMs`, with the number of times
 * (`times`) that it stands for. `now` is in ms.
 */
export function createRareWarning(deps: {
  readonly text: string
  readonly log: Log
  readonly now: () => number
  readonly quietMs?: number
}): RareWarning {
  const { text, log, now, quietMs = QUIET_MS } = deps
  let quietUntil: number | undefined
  let times = 0
  return (error) => {
    times++
    const time = now()
    if (quietUntil !== undefined && time < quietUntil) return
    log.warn({ err: error, times }, text)
    quietUntil = time + quietMs
    times = 0
  }
}
