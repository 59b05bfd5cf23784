import type { Log } from '../log.js'
import type { Metrics } from '../metrics.js'
import type { Companion } from './companion.js'
import { createRareWarning } from './rare-warning.js'

/** What must be new: a nonce count above the last one, or, where the client sends none, the response itself. */
export type Use = {
  /** Names the nonce among those alive. */
  readonly nonceId: string
  /** When the record of it may be forgotten, ms since 1970. */
  readonly expiresAtMs: number
  /** Digest user name: one user's count is not another's. */
  readonly username: string
  /** Nonce count; undefined without qop. */
  readonly count: number | undefined
  /** The response, which is all that tells two uses apart without a nonce count. */
  readonly response: string
  readonly companion?: Companion | undefined
}

/** Whether a count was new; `unknown` where that had to be asked of a record that did not answer. */
export type Spent = boolean | 'unknown'

/** Lets an Authorization be used once per nonce count, RFC 7616 section 3.4, on all nodes together. */
export type ReplayGuard = {
  /** Spends the count; answers at once where no record has to be waited for. Never rejects. */
  spend(use: Use): Spent | Promise<Spent>
}

/** A record of uses; what it answers rejects when it cannot be reached in time. */
export type UseRecord = { spend(use: Use): boolean | Promise<boolean> }

/** A record in this process's own memory. */
export type LocalUseRecord = { spend(use: Use): boolean }

/** The key of a use's record: without a nonce count, each response has its own. */
export function useKey({ nonceId, username, count, response }: Use): string {
  return count === undefined ? `${nonceId}:${username}:${response}` : `${nonceId}:${username}`
}

/**
 * A replay guard over a record that all nodes share and one of this process. Every use is in both, so that while the
 * shared one is away, or refuses to write, a replay of what this process has seen is still refused; another process's is
 * not, unless the guard is `strict`: then what cannot be spent for all is `unknown`.
 */
export function createReplayGuard(deps: {
  readonly shared: UseRecord | undefined
  readonly local: LocalUseRecord
  readonly strict: boolean
  readonly metrics: Pick<Metrics, 'unsharedSpends'>
  readonly log: Log
  readonly now: () => number
}): ReplayGuard {
  const { shared, local, strict, metrics } = deps
  const alone = strict ? 'nobody is let in until it does' : 'this process guards alone'
  const warn = createRareWarning({ text: `the shared replay record did not answer; ${alone}`, ...deps })
  metrics.unsharedSpends.inc(0)

  function guardAlone(error: unknown): Spent {
    warn(error)
    metrics.unsharedSpends.inc()
    return strict ? 'unknown' : true
  }

  return {
    spend(use) {
      if (!local.spend(use)) return false
      const spent = shared ? shared.spend(use) : true
      return spent instanceof Promise ? spent.catch(guardAlone) : spent
    },
  }
}
