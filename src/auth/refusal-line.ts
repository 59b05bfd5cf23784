import type { Log } from '../log.js'
import { escapeUnprintable } from '../unprintable.js'
import type { AuthRequest } from './auth-request.js'
import { pickAuthorization } from './presented.js'
import type { Reason, Verdict } from './verdict.js'

/** Lines of one second; whoever guesses a thousand times a second must not fill the disk. */
const LINES_MAX = 100
const WINDOW_MS = 1_000

/** Characters of what a stranger chooses that are worth a look. */
const TEXT_MAX = 200

/** Let in, or in the normal course of digest: nobody asks why. */
const NO_REFUSALS: ReadonlySet<Reason> = new Set(['ok', 'no_credentials', 'stale_nonce'])

/** Writes why a request was refused, where it was. */
export type RefusalLine = (door: string, request: AuthRequest, verdict: Verdict) => void

/**
 * One line at the level `debug` for each refusal, at most a hundred a second; the next one tells how many are missing.
 * Undefined at a level that does not show them, so that nothing is done for them then. What a stranger chooses comes
 * last, is cut, and holds nothing that a terminal obeys. `now` is in ms.
 */
export function createRefusalLine(deps: { readonly log: Log; readonly now: () => number }): RefusalLine | undefined {
  const { log, now } = deps
  if (!log.isLevelEnabled('debug')) return undefined
  let window = Number.NEGATIVE_INFINITY
  let written = 0
  let missing = 0

  function mayWrite(): boolean {
    const time = now()
    if (time - window >= WINDOW_MS) {
      window = time
      written = 0
    }
    if (written === LINES_MAX) {
      missing++
      return false
    }
    written++
    return true
  }

  return (door, request, verdict) => {
    if (NO_REFUSALS.has(verdict.reason) || !mayWrite()) return
    log.debug({ event: 'refused', door, ...(missing > 0 && { missing }), ...describe(request, verdict) }, 'refused')
    missing = 0
  }
}

function describe(request: AuthRequest, verdict: Verdict): Readonly<Record<string, string>> {
  const presented = pickAuthorization(request.authorizations, undefined)
  const fields: Readonly<Record<string, string | undefined>> = {
    reason: verdict.reason,
    detail: 'detail' in verdict ? verdict.detail : undefined,
    method: request.method,
    realm: 'realm' in verdict ? verdict.realm : request.realm,
    domain: request.domain,
    username: presented.kind === 'digest' ? presented.authorization.username : undefined,
    source: request.sourceIp,
    callId: request.callId,
    userAgent: request.userAgent,
  }
  const given = Object.entries(fields).filter((field): field is [string, string] => field[1] !== undefined)
  return Object.fromEntries(given.map(([name, value]) => [name, legible(value)]))
}

/** No half of a character is left, of which no two readers make the same. */
function legible(text: string): string {
  return escapeUnprintable(text.slice(0, TEXT_MAX).replace(/\p{Cs}/gu, '\ufffd'))
}
