import type { Log } from '../log.js'

/** At most one line in this time. */
const QUIET_MS = 10_000

/** Warns of what may happen with every request; takes the error that tells why. */
export type RareWarning = (error: unknown) => void

/**
 * A warning that is logged at once, and then at most once in ten seconds, with the number of times (`times`) that it
 * stands for. `now` is in ms.
 */
export function createRareWarning(deps: {
  readonly text: string
  readonly log: Log
  readonly now: () => number
}): RareWarning {
  const { text, log, now } = deps
  let quietUntil: number | undefined
  let times = 0
  return (error) => {
    times++
    const time = now()
    if (quietUntil !== undefined && time < quietUntil) return
    log.warn({ err: error, times }, text)
    quietUntil = time + QUIET_MS
    times = 0
  }
}
