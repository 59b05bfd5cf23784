import type { Authorization } from '../digest/authorization.js'
import type { KnownNonce, Nonces, Offer } from '../digest/nonce.js'
import type { AuthRequest } from './auth-request.js'
import { namesSameResource } from './digest-uri.js'
import { toChallengedRealm } from './offered-realm.js'
import { pickAuthorization } from './presented.js'
import { type ChallengeReason, refuse, type Verdict } from './verdict.js'

/** An Authorization that is worth asking a store about: it answers a challenge of ours, and as that one offered. */
export type Claim = {
  readonly kind: 'claim'
  readonly realm: string
  readonly authorization: Authorization
  readonly nonce: KnownNonce
}

/** What a request's Authorization headers come to, as far as they tell by themselves. */
export type Examined =
  | Claim
  | { readonly kind: 'challenge'; readonly reason: ChallengeReason; readonly realm: string }
  | { readonly kind: 'refused'; readonly verdict: Verdict }

/** Examines a request for one realm, or without one for that of its first Authorization. Asks no store. */
export function createExaminer({ nonces }: { readonly nonces: Nonces }) {
  return (request: AuthRequest, realm: string | undefined): Examined => {
    const presented = pickAuthorization(request.authorizations, realm)
    if (presented.kind === 'malformed') return malformed(presented.detail)
    if (presented.kind !== 'digest') {
      if (realm === undefined) return malformed('realm must be given where there is no Digest authorization')
      return { kind: 'challenge', realm, reason: presented.kind === 'none' ? 'no_credentials' : 'unsupported' }
    }
    const { authorization } = presented
    const itsRealm = realm ?? toChallengedRealm(authorization.realm)
    if (itsRealm === undefined) return malformed('Authorization: realm must be a host name')
    if (request.uri !== undefined && !namesSameResource(authorization.uri, request.uri)) {
      const detail = 'Authorization: uri must name the resource of the Request-URI'
      return { kind: 'refused', verdict: refuse('uri_mismatch', detail) }
    }
    const nonce = nonces.check(authorization.nonce, itsRealm)
    if (nonce.kind === 'bad') return { kind: 'challenge', realm: itsRealm, reason: 'bad_nonce' }
    if (nonce.kind === 'expired') return { kind: 'challenge', realm: itsRealm, reason: 'stale_nonce' }
    if (!isOffered(nonce.offer, authorization)) return { kind: 'challenge', realm: itsRealm, reason: 'unsupported' }
    return { kind: 'claim', realm: itsRealm, authorization, nonce }
  }
}

function malformed(detail: string): Examined {
  return { kind: 'refused', verdict: refuse('malformed', detail) }
}

/** What is offered is required. */
function isOffered(offer: Offer, { algorithm, session, qop }: Authorization): boolean {
  if (session || !offer.algorithms.includes(algorithm)) return false
  return qop === undefined ? offer.qop.length === 0 : offer.qop.includes(qop)
}
