import type { HashAlgorithm } from '../digest/algorithm.js'
import type { Qop } from '../digest/challenge.js'
import type { Nonces } from '../digest/nonce.js'
import { isRealm } from '../names.js'
import type { RealmOffer } from '../realm-offer.js'
import type { CredentialSource, Lookup } from './credential-source.js'
import { type ChallengeReason, UNAVAILABLE, type Verdict } from './verdict.js'

/** What a realm has of its own to offer, as a store says it. */
export type OfferFound = Lookup<RealmOffer | undefined> | undefined

/** Challenges anew. */
export type Challenger = {
  /** Asks what the realm offers; undefined where it cannot have anything of its own. */
  readOffer(realm: string): Promise<OfferFound>
  /**
   * Makes the verdict: one challenge for each algorithm that is offered, in order, over one nonce (RFC 8760 section
   * 2.3); `unavailable` where nobody can tell what the realm offers. `offer` is what was asked for already.
   */
  challenge(reason: ChallengeReason, realm: string, offer?: Promise<OfferFound>): Verdict | Promise<Verdict>
}

export function createChallenger(deps: {
  readonly source: CredentialSource
  readonly nonces: Nonces
  /** What is offered where the realm has nothing of its own. */
  readonly algorithms: readonly HashAlgorithm[]
  readonly qop: readonly Qop[]
}): Challenger {
  const { source, nonces, qop } = deps

  // What cannot be a realm has nothing of its own, and is no key to look anything up by.
  const readOffer = async (realm: string) => (isRealm(realm) ? source.findRealm(realm) : undefined)

  function issue(reason: ChallengeReason, realm: string, own: RealmOffer | undefined): Verdict {
    const algorithms = toOffer(own, deps.algorithms)
    const nonce = nonces.issue(realm, { algorithms, qop })
    // A replayed nonce count is answered like an expired nonce: the password may well be right (RFC 7616 section 3.3).
    const stale = reason === 'stale_nonce' || reason === 'replayed_nonce'
    return { reason, realm, challenges: algorithms.map((algorithm) => ({ realm, nonce, algorithm, qop, stale })) }
  }

  async function ask(reason: ChallengeReason, realm: string, offer = readOffer(realm)): Promise<Verdict> {
    const found = await offer
    return found?.origin === 'unavailable' ? UNAVAILABLE : issue(reason, realm, found?.value)
  }

  return {
    readOffer,

    challenge(reason, realm, offer) {
      const near = offer ? undefined : source.near.peekRealm(realm)
      return near === undefined ? ask(reason, realm, offer) : issue(reason, realm, near ?? undefined)
    },
  }
}

/** What every user of the realm can answer; every credential has the HA1 for MD5. */
function toOffer(own: RealmOffer | undefined, unasked: readonly HashAlgorithm[]): readonly HashAlgorithm[] {
  const wanted = own?.algorithms ?? unasked
  if (own === undefined || own.lacking.length === 0) return wanted
  const answerable = wanted.filter((algorithm) => !own.lacking.includes(algorithm))
  return answerable.length > 0 ? answerable : ['MD5']
}
