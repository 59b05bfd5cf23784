import type { HashAlgorithm } from './algorithm.js'
import { quote } from './quoted-string.js'

/** A quality of protection, RFC 7616 section 3.3. */
export type Qop = 'auth' | 'auth-int'

/** One challenge, RFC 7616 section 3.3; RFC 8760 section 2.3 sends one for each algorithm. */
export type Challenge = {
  readonly realm: string
  readonly nonce: string
  readonly algorithm: HashAlgorithm
  /** Offered in this order; empty: no qop parameter, for phones that know none (RFC 2069). */
  readonly qop: readonly Qop[]
  readonly stale: boolean
}

/**
 * The challenge as the value of a WWW-Authenticate or Proxy-Authenticate header.
 * Throws a RangeError where realm or nonce holds a control character.
 */
export function formatChallenge(challenge: Challenge): string {
  const { realm, nonce, algorithm, qop, stale } = challenge
  const offered = qop.length === 0 ? '' : `, qop="${qop.join(',')}"`
  const marked = stale ? ', stale=true' : ''
  return `Digest realm=${quote(realm)}, nonce=${quote(nonce)}${marked}, algorithm=${algorithm}${offered}`
}
