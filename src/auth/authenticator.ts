// The global one is behind a getter, which costs as much as reading the clock.
import { performance } from 'node:perf_hooks'
import type { HashAlgorithm } from '../digest/algorithm.js'
import type { Qop } from '../digest/challenge.js'
import type { Nonces } from '../digest/nonce.js'
import type { Log } from '../log.js'
import type { Metrics } from '../metrics.js'
import { createAdmitter } from './admitter.js'
import type { Attempt } from './attempt.js'
import type { AuthRequest } from './auth-request.js'
import { createChallenger, type OfferFound } from './challenger.js'
import { type Claim, createExaminer, type Examined } from './claim.js'
import type { CredentialSource } from './credential-source.js'
import type { Decoy } from './decoy.js'
import { toChallengedRealm } from './offered-realm.js'
import { createLocator, letsIn, type Place } from './place.js'
import { createRecorder, type Door } from './recorder.js'
import type { ReplayGuard } from './replay-guard.js'
import { type Checked, createResponseCheck } from './response-check.js'
import type { Throttle } from './throttle.js'
import { refuse, UNAVAILABLE, type Verdict } from './verdict.js'

/** THE hot path. Never throws and never rejects: what fails is the verdict `unavailable`. */
export type Authenticator = {
  /** Answers at once where no store has to be waited for. */
  verify(door: Door, request: AuthRequest): Verdict | Promise<Verdict>
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
type Reading = { readonly retryAfterSeconds: number } | { readonly checked: Checked }

/**
 * Checks requests, cheapest step first: parse, nonce (signed, no I/O), then SIP domain and credential in one round trip,
 * response; only a right response spends its nonce count.
 */
export function createAuthenticator(deps: AuthenticatorDeps): Authenticator {
  const { throttle, log } = deps
  const examine = createExaminer(deps)
  const locator = createLocator(deps)
  const challenger = createChallenger(deps)
  const responses = createResponseCheck(deps)
  const admitter = createAdmitter({ replayGuard: deps.replayGuard, challenger })
  const record = createRecorder(deps)

  function check(request: AuthRequest): Verdict | Promise<Verdict> {
    const asked = request.realm ?? request.domain
    const realm = asked === undefined ? undefined : toChallengedRealm(asked)
    if (asked !== undefined && realm === undefined) return refuse('malformed', 'realm must be a host name')
    const place = locator.peek(request, realm)
    if (place === undefined) return checkAtDomain(request, realm)
    return 'reason' in place ? place : checkAt(request, place)
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

  function checkAt(request: AuthRequest, place: Place, offer?: Promise<OfferFound>): Verdict | Promise<Verdict> {
    const examined = examine(request, place.realm)
    if (examined.kind === 'refused') return examined.verdict
    if (examined.kind === 'challenge') return challenger.challenge(examined.reason, examined.realm, offer)
    return letInNear(request, examined, place) ?? checkInStores(request, examined, place)
  }

  /**
   * Lets in whom it can by what is near, and asks no store but for the nonce count. It refuses nobody's password:
   * undefined says no more than that the stores have to be asked. Whoever is banned learns nothing of his guess here.
   */
  function letInNear(request: AuthRequest, claim: Claim, place: Place): Verdict | Promise<Verdict> | undefined {
    // Mostly nobody is banned and nobody is being judged: then it need not be known who tries.
    const retryAfterSeconds = throttle.isIdle() ? 0 : throttle.peek(toAttempt(request, claim))
    if (retryAfterSeconds === undefined) return undefined
    if (retryAfterSeconds > 0) return { reason: 'throttled', retryAfterSeconds }
    const record = responses.peekRight(request, claim)
    if (record === undefined || !letsIn(place, record.credentialListSid)) return undefined
    return admitter.admit(request, claim, place, record)
  }

  async function checkInStores(request: AuthRequest, claim: Claim, place: Place): Promise<Verdict> {
    const attempt = toAttempt(request, claim)
    const judged = throttle.inTurn(attempt, async () => {
      return judge(request, claim, place, await read(request, claim, attempt))
    })
    return (await judged) ?? UNAVAILABLE
  }

  /** The place alone where the claim is not for its realm: then the request has to be examined for that one. */
  async function judgeAhead(request: AuthRequest, claim: Claim, realm: string | undefined): Promise<Verdict | Place> {
    const attempt = toAttempt(request, claim)
    const judged = throttle.inTurn(attempt, async () => {
      const [place, reading] = await Promise.all([locator.locate(request, realm), read(request, claim, attempt)])
      if ('reason' in place) return place
      return place.realm === claim.realm ? judge(request, claim, place, reading) : place
    })
    return (await judged) ?? UNAVAILABLE
  }

  /**
   * Asked at the same time, so that the throttle costs no round trip of its own. Whoever is throttled is told so without
   * waiting for the judgement: a wrong guess takes a question more than a right one.
   */
  async function read(request: AuthRequest, claim: Claim, attempt: Attempt): Promise<Reading> {
    const checking = responses.find(request, claim)
    // Of whoever is throttled nobody hears what came of it.
    checking.catch(() => undefined)
    const retryAfterSeconds = await throttle.check(attempt)
    return retryAfterSeconds === undefined ? { checked: await checking } : { retryAfterSeconds }
  }

  async function judge(request: AuthRequest, claim: Claim, place: Place, reading: Reading): Promise<Verdict> {
    if ('retryAfterSeconds' in reading) return { reason: 'throttled', ...reading }
    const { checked } = reading
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
    return (
      (await locator.judgeList(place, request, record.credentialListSid)) ??
      admitter.admit(request, claim, place, record)
    )
  }

  function fail(error: unknown): Verdict {
    log.error({ err: error }, 'a check failed')
    return UNAVAILABLE
  }

  return {
    verify(door, request) {
      const startMs = performance.now()
      let checked: Verdict | Promise<Verdict>
      try {
        checked = check(request)
      } catch (error) {
        checked = fail(error)
      }
      if (!(checked instanceof Promise)) return record(door, request, startMs, checked)
      // One promise more, where an async function would make three.
      return checked.then(
        (verdict) => record(door, request, startMs, verdict),
        (error) => record(door, request, startMs, fail(error)),
      )
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
