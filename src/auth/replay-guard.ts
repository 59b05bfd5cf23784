import type { Log } from '../log.js'
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
}

/** Lets an Authorization be used once per nonce count, RFC 7616 section 3.4, on all nodes together. */
export type ReplayGuard = {
  /** Spends the count: true where it was new. Never rejects. */
  spend(use: Use): Promise<boolean>
}

/** A record of uses; `spend` rejects when it cannot be reached in time. */
export type UseRecord = { spend(use: Use): Promise<boolean> }

/** The key of a use's record: without a nonce count, each response has its own. */
export function useKey({ nonceId, username, count, response }: Use): string {
  return count === undefined ? `${nonceId}:${username}:${response}` : `${nonceId}:${username}`
}

/**
 * A replay guard over a record that all nodes share and one of this process. Every use is in both, so that while the
 * shared one is away a replay of what this process has seen is still refused; another process's is not.
 */
export function createReplayGuard(deps: {
  readonly shared: UseRecord | undefined
  readonly local: UseRecord
  readonly log: Log
  readonly now: () => number
}): ReplayGuard {
  const { shared, local } = deps
  const warn = createRareWarning({
    text: 'the shared replay record did not answer; this process guards alone',
    ...deps,
  })
  return {
    async spend(use) {
      if (!(await local.spend(use))) return false
      if (!shared) return true
      try {
        return await shared.spend(use)
      } catch (error) {
        warn(error)
        return true
      }
    },
  }
}
