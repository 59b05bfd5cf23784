import type { HashAlgorithm } from '../digest/algorithm.js'
import type { Qop } from '../digest/challenge.js'
import type { Nonces } from '../digest/nonce.js'
import type { Log } from '../log.js'
import { type Metrics, methodLabel } from '../metrics.js'
import type { Attempt } from './attempt.js'
import type { AuthRequest } from './auth-request.js'
import { createChallenger, type OfferFound } from './challenger.js'
import { type Claim, createExaminer, type Examined } from './claim.js'
import type { CredentialSource, Ha1Record } from './credential-source.js'
import type { Decoy } from './decoy.js'
import { toChallengedRealm } from './offered-realm.js'
import { createLocator, noDomain, type Place } from './place.js'
import type { ReplayGuard } from './replay-guard.js'
import { type Checked, createResponseCheck } from './response-check.js'
import type { Throttle } from './throttle.js'
import { REASONS, type Reason, refuse, UNAVAILABLE, type Verdict } from './verdict.js'

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

/** What the stores say of a claim. */
type Reading = { readonly retryAfterSeconds: number | undefined; readonly checked: Checked }

/**
 * Checks requests, cheapest step first: parse, nonce (signed, no I/O), then SIP domain and credential in one round trip,
 * response; only a right response spends its nonce count.
 */
export function createAuthenticator(deps: AuthenticatorDeps): Authenticator {
  const { replayGuard, throttle, metrics, log } = deps
  const examine = createExaminer(deps)
  const locator = createLocator(deps)
  const challenger = createChallenger(deps)
  const checkResponse = createResponseCheck(deps)
  showVerdictsAtZero(metrics)

  async function check(request: AuthRequest): Promise<Verdict> {
    const asked = request.realm ?? request.domain
    const realm = asked === undefined ? undefined : toChallengedRealm(asked)
    if (asked !== undefined && realm === undefined) return refuse('malformed', 'realm must be a host name')
    return locator.mayNameDomain(request) ? checkAtDomain(request, realm) : checkAt(request, noDomain(realm))
  }

  /**
   * The domain decides the realm, so all that needs the realm would have to wait for it. But a nonce of ours tells which
   * realm was challenged, most likely this one; and most hosts name no domain. Both are read ahead, at the same time as
   * the domain, and count where they turn out to be what was wanted.
   */
  async function checkAtDomain(request: AuthRequest, realm: string | undefined): Promise<Verdict> {
    const likely = examineLikely(request)
    if (likely.kind === 'claim') {
      const outcome = await judgeAhead(request, likely, realm)
      return 'reason' in outcome ? outcome : checkAt(request, outcome)
    }
    const offer = realm === undefined ? undefined : challenger.readOffer(realm)
    const place = await locator.locate(request, realm)
    if ('reason' in place) return place
    return checkAt(request, place, place.domain ? undefined : offer)
  }

  /** The first Authorization's claim; where there are others, what they come to for its realm. */
  function examineLikely(request: AuthRequest): Examined {
    const first = examine(request, undefined)
    return first.kind === 'claim' && request.authorizations.length > 1 ? examine(request, first.realm) : first
  }

  async function checkAt(request: AuthRequest, place: Place, offer?: Promise<OfferFound>) {
    const examined = examine(request, place.realm)
    if (examined.kind === 'refused') return examined.verdict
    if (examined.kind === 'challenge') return challenger.challenge(examined.reason, examined.realm, offer)
    const attempt = toAttempt(request, examined)
    return throttle.inTurn(attempt, async () => judge(request, examined, place, await read(request, examined, attempt)))
  }

  /** The place alone where the claim is not for its realm: then the request has to be examined for that one. */
  async function judgeAhead(request: AuthRequest, claim: Claim, realm: string | undefined): Promise<Verdict | Place> {
    const attempt = toAttempt(request, claim)
    return throttle.inTurn(attempt, async () => {
      const [place, reading] = await Promise.all([locator.locate(request, realm), read(request, claim, attempt)])
      if ('reason' in place) return place
      return place.realm === claim.realm ? judge(request, claim, place, reading) : place
    })
  }

  /** Asked at the same time, so that the throttle costs no round trip of its own. */
  async function read(request: AuthRequest, claim: Claim, attempt: Attempt): Promise<Reading> {
    const [retryAfterSeconds, checked] = await Promise.all([throttle.check(attempt), checkResponse(request, claim)])
    return { retryAfterSeconds, checked }
  }

  async function judge(
    request: AuthRequest,
    claim: Claim,
    place: Place,
    { retryAfterSeconds, checked }: Reading,
  ): Promise<Verdict> {
    if (retryAfterSeconds !== undefined) return { reason: 'throttled', retryAfterSeconds }
    if (checked.origin === 'unavailable') return UNAVAILABLE
    const { record, right } = checked
    if (record && !record.usable) return refuse('disabled', 'the credential is disabled')
    const attempt = toAttempt(request, claim)
    if (record && record.ha1 === undefined) {
      const verdict = await challenger.challenge('unsupported', claim.realm)
      // Whoever answers what is offered is counted like all others, or the lack of a count would tell who was imported.
      // An answer to an earlier challenge is no guess; asking takes the time that counting does.
      await (isOfferedIn(verdict, claim) ? throttle.fail(attempt) : throttle.check(attempt))
      return verdict
    }
    if (!record || !right) {
      await throttle.fail(attempt)
      return challenger.challenge(record ? 'bad_response' : 'unknown_user', claim.realm)
    }
    return (await locator.judgeList(place, request, record.credentialListSid)) ?? admit(request, claim, place, record)
  }

  async function admit(request: AuthRequest, claim: Claim, place: Place, record: Ha1Record): Promise<Verdict> {
    const { authorization, nonce } = claim
    if (request.identity !== undefined && ![record.username, authorization.username].includes(request.identity)) {
      return refuse('identity_mismatch', "the user of the address must be the digest's user name")
    }
    const spent = await replayGuard.spend({
      nonceId: nonce.id,
      expiresAtMs: nonce.expiresAtMs,
      username: authorization.username,
      count: authorization.nc?.count,
      response: authorization.response,
    })
    if (spent === 'unknown') return UNAVAILABLE
    if (!spent) return challenger.challenge('replayed_nonce', record.realm)
    const { username, realm, accountSid, credentialListSid, credentialSid } = record
    const credential = { username, realm, accountSid, credentialListSid, credentialSid }
    return { reason: 'ok', realm, accountSid, credential, domain: place.domain }
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

/** Whether the claim's algorithm is among those that the verdict challenges with. */
function isOfferedIn(verdict: Verdict, { authorization }: Claim): boolean {
  return 'challenges' in verdict && verdict.challenges.some(({ algorithm }) => algorithm === authorization.algorithm)
}

function toAttempt({ sourceIp }: AuthRequest, { realm, authorization }: Claim): Attempt {
  return { realm, username: authorization.username, sourceIp }
}

/** Series that are there from the start: a rate sees the first verdict of its kind only where there was a zero. */
function showVerdictsAtZero({ verdicts, verifySeconds }: Metrics): void {
  for (const door of DOORS) {
    verifySeconds.zero({ door })
    for (const reason of Object.keys(REASONS) as Reason[]) verdicts.inc({ door, method: 'REGISTER', reason }, 0)
  }
}
