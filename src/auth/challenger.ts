import type { HashAlgorithm } from '../digest/algorithm.js'
import type { Qop } from '../digest/challenge.js'
import type { Nonces } from '../digest/nonce.js'
import { isRealm } from '../names.js'
import type { RealmOffer } from '../realm-offer.js'
import type { CredentialSource } from './credential-source.js'
import { type ChallengeReason, UNAVAILABLE, type Verdict } from './verdict.js'

/** Makes the verdict that challenges anew; `unavailable` where nobody can tell what the realm offers. */
export type Challenger = (reason: ChallengeReason, realm: string) => Promise<Verdict>

/** One challenge for each algorithm that is offered, in order, over one nonce (RFC 8760 section 2.3). */
export function createChallenger(deps: {
  readonly source: CredentialSource
  readonly nonces: Nonces
  /** What is offered where the realm has nothing of its own. */
  readonly algorithms: readonly HashAlgorithm[]
  readonly qop: readonly Qop[]
}): Challenger {
  const { source, nonces, qop } = deps
  return async (reason, realm) => {
    // What cannot be a realm has nothing of its own, and is no key to look anything up by.
    const found = isRealm(realm) ? await source.findRealm(realm) : undefined
    if (found?.origin === 'unavailable') return UNAVAILABLE
    const algorithms = toOffer(found?.value, deps.algorithms)
    const nonce = nonces.issue(realm, { algorithms, qop })
    // A replayed nonce count is answered like an expired nonce: the password may well be right (RFC 7616 section 3.3).
    const stale = reason === 'stale_nonce' || reason === 'replayed_nonce'
    return { reason, realm, challenges: algorithms.map((algorithm) => ({ realm, nonce, algorithm, qop, stale })) }
  }
}

/** What every user of the realm can answer; every credential has the HA1 for MD5. */
function toOffer(own: RealmOffer | undefined, unasked: readonly HashAlgorithm[]): readonly HashAlgorithm[] {
  const wanted = own?.algorithms ?? unasked
  if (own === undefined || own.lacking.length === 0) return wanted
  const answerable = wanted.filter((algorithm) => !own.lacking.includes(algorithm))
  return answerable.length > 0 ? answerable : ['MD5']
}
