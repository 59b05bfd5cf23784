import type { HashAlgorithm } from '../digest/algorithm.js'
import type { Authorization } from '../digest/authorization.js'
import type { Qop } from '../digest/challenge.js'
import { equalInConstantTime } from '../digest/equal.js'
import type { NonceCheck, Nonces } from '../digest/nonce.js'
import { computeResponse } from '../digest/response.js'
import type { Log } from '../log.js'
import { type Metrics, methodLabel } from '../metrics.js'
import type { AuthRequest } from './auth-request.js'
import { createChallenger } from './challenger.js'
import type { CredentialSource, Ha1Record, Origin } from './credential-source.js'
import type { Decoy } from './decoy.js'
import { namesSameResource } from './digest-uri.js'
import { findCredential } from './find-credential.js'
import { toChallengedRealm } from './offered-realm.js'
import { pickAuthorization } from './presented.js'
import type { ReplayGuard } from './replay-guard.js'
import type { Attempt, Throttle } from './throttle.js'
import { REASONS, type Reason, type RefusalReason, UNAVAILABLE, type Verdict } from './verdict.js'

const DOORS = ['http', 'sip'] as const

/** A door that a request came through; the label `door` of the metrics. */
export type Door = (typeof DOORS)[number]

/** THE hot path. Never rejects: what fails is the verdict `unavailable`. */
export type Authenticator = {
  verify(door: Door, request: AuthRequest): Promise<Verdict>
}

export type AuthenticatorDeps = {
  readonly source: CredentialSource
  readonly nonces: Nonces
  readonly replayGuard: ReplayGuard
  readonly throttle: Throttle
  readonly decoy: Decoy
  readonly metrics: Metrics
  readonly log: Log
  /** What challenges offer where a realm has nothing of its own; what is offered is required. */
  readonly algorithms: readonly HashAlgorithm[]
  readonly qop: readonly Qop[]
}

/** A nonce of ours. */
type KnownNonce = Exclude<NonceCheck, { kind: 'bad' }>

type Answered = { readonly origin: Origin; readonly record: Ha1Record | undefined; readonly right: boolean }

/**
 * Checks requests, cheapest step first: parse, nonce (signed, no I/O), credential (one round trip), response; only a
 * right response spends its nonce count.
 */
export function createAuthenticator(deps: AuthenticatorDeps): Authenticator {
  const { source, nonces, replayGuard, throttle, decoy, metrics, log } = deps
  const challenge = createChallenger(deps)
  showVerdictsAtZero(metrics)

  async function check(request: AuthRequest): Promise<Verdict> {
    const asked = request.realm ?? request.domain
    const realm = asked === undefined ? undefined : toChallengedRealm(asked)
    if (asked !== undefined && realm === undefined) return refuse('malformed', 'realm must be a host name')
    const presented = pickAuthorization(request.authorizations, realm)
    if (presented.kind === 'malformed') return refuse('malformed', presented.detail)
    if (presented.kind !== 'digest') {
      if (realm === undefined) return refuse('malformed', 'realm must be given where there is no Digest authorization')
      return challenge(presented.kind === 'none' ? 'no_credentials' : 'unsupported', realm)
    }
    const { authorization } = presented
    const itsRealm = realm ?? toChallengedRealm(authorization.realm)
    if (itsRealm === undefined) return refuse('malformed', 'Authorization: realm must be a host name')
    return checkAuthorization(request, authorization, itsRealm)
  }

  async function checkAuthorization(request: AuthRequest, authorization: Authorization, realm: string) {
    if (request.uri !== undefined && !namesSameResource(authorization.uri, request.uri)) {
      return refuse('uri_mismatch', 'Authorization: uri must name the resource of the Request-URI')
    }
    const nonce = nonces.check(authorization.nonce, realm)
    if (nonce.kind === 'bad') return challenge('bad_nonce', realm)
    if (nonce.kind === 'expired') return challenge('stale_nonce', realm)
    if (!isOffered(nonce.offer, authorization)) return challenge('unsupported', realm)

    const attempt = { realm, username: authorization.username, sourceIp: request.sourceIp }
    return throttle.inTurn(attempt, () => judge(request, authorization, attempt, nonce))
  }

  async function judge(
    request: AuthRequest,
    authorization: Authorization,
    attempt: Attempt,
    nonce: KnownNonce,
  ): Promise<Verdict> {
    const { realm } = attempt
    // Asked at the same time, so that the throttle costs no round trip of its own.
    const [retryAfterSeconds, found] = await Promise.all([
      throttle.check(attempt),
      findAnswered(request, authorization, realm),
    ])
    if (retryAfterSeconds !== undefined) return { reason: 'throttled', retryAfterSeconds }
    if (found.origin === 'unavailable') return UNAVAILABLE
    const { record, right } = found
    if (record && !record.usable) return refuse('disabled', 'the credential is disabled')
    if (!record || !right) {
      await throttle.fail(attempt)
      return challenge(record ? 'bad_response' : 'unknown_user', realm)
    }
    return admit(request, authorization, record, nonce)
  }

  /** Finds the credential and compares; what the mirror alone says is only refused while the mirror is complete. */
  async function findAnswered(
    request: AuthRequest,
    authorization: Authorization,
    realm: string,
  ): Promise<{ origin: 'unavailable' } | Answered> {
    const found = await findCredential(authorization, realm, source.findHa1)
    if (found.origin === 'unavailable') return found
    const right = isRight(request, authorization, realm, found.value)
    if (right || found.origin === 'database' || (await source.isMirrorComplete())) {
      return { origin: found.origin, record: found.value, right }
    }
    const truth = await findCredential(authorization, realm, source.findHa1InDatabase)
    if (truth.origin === 'unavailable') return truth
    return { origin: truth.origin, record: truth.value, right: isRight(request, authorization, realm, truth.value) }
  }

  async function admit(
    request: AuthRequest,
    authorization: Authorization,
    record: Ha1Record,
    nonce: KnownNonce,
  ): Promise<Verdict> {
    if (request.identity !== undefined && ![record.username, authorization.username].includes(request.identity)) {
      return refuse('identity_mismatch', "the user of the address must be the digest's user name")
    }
    const isNew = await replayGuard.spend({
      nonceId: nonce.id,
      expiresAtMs: nonce.expiresAtMs,
      username: authorization.username,
      count: authorization.nc?.count,
      response: authorization.response,
    })
    if (!isNew) return challenge('replayed_nonce', record.realm)
    const { username, realm, accountSid, credentialListSid, credentialSid } = record
    return { reason: 'ok', credential: { username, realm, accountSid, credentialListSid, credentialSid } }
  }

  /**
   * Whether the response is the record's. A wrong password and an unknown user cost the same: one response and one
   * decoy each, so that their times tell nothing; a right password needs no decoy.
   */
  function isRight(
    request: AuthRequest,
    authorization: Authorization,
    realm: string,
    record: Ha1Record | undefined,
  ): boolean {
    const { algorithm, session, nonce, uri, qop, nc, cnonce, username } = authorization
    const { method, body } = request
    const matches = (ha1: string) => {
      const expected = computeResponse({ algorithm, session, ha1, nonce, method, uri, qop, nc: nc?.text, cnonce, body })
      return equalInConstantTime(expected, authorization.response)
    }
    if (record?.ha1 !== undefined && matches(record.ha1)) return true
    const ha1 = decoy(algorithm, realm, username)
    if (record?.ha1 === undefined) matches(ha1)
    return false
  }

  return {
    async verify(door, request) {
      const endTimer = metrics.verifySeconds.startTimer({ door })
      const verdict = await check(request).catch((error): Verdict => {
        log.error({ err: error }, 'a check failed')
        return UNAVAILABLE
      })
      endTimer()
      metrics.verdicts.inc({ door, method: methodLabel(request.method), reason: verdict.reason })
      return verdict
    },
  }
}

/** Series that are there from the start: a rate sees the first verdict of its kind only where there was a zero. */
function showVerdictsAtZero({ verdicts, verifySeconds }: Metrics): void {
  for (const door of DOORS) {
    verifySeconds.zero({ door })
    for (const reason of Object.keys(REASONS) as Reason[]) verdicts.inc({ door, method: 'REGISTER', reason }, 0)
  }
}

function isOffered(
  offer: { readonly algorithms: readonly HashAlgorithm[]; readonly qop: readonly Qop[] },
  { algorithm, session, qop }: Authorization,
): boolean {
  if (session || !offer.algorithms.includes(algorithm)) return false
  return qop === undefined ? offer.qop.length === 0 : offer.qop.includes(qop)
}

function refuse(reason: RefusalReason, detail: string): Verdict {
  return { reason, detail }
}
