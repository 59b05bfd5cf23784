import type { CredentialIdentity } from '../credential.js'
import type { Challenge } from '../digest/challenge.js'
import type { SipDomain } from '../sip-domain.js'

/**
 * Every reason that a check can end with, and what it is to SIP: the status to answer, where `challenge` stands for
 * 401 (or 407 to a proxy's challenge) with fresh challenges. A throttled request is 503 to SIP and 429 to HTTP.
 */
export const REASONS = {
  ok: 200,
  no_credentials: 'challenge',
  stale_nonce: 'challenge',
  bad_nonce: 'challenge',
  replayed_nonce: 'challenge',
  bad_response: 'challenge',
  unknown_user: 'challenge',
  unsupported: 'challenge',
  disabled: 403,
  identity_mismatch: 403,
  not_allowed: 403,
  uri_mismatch: 400,
  malformed: 400,
  throttled: 503,
  unavailable: 503,
} as const

export type Reason = keyof typeof REASONS

type ReasonWith<Answer> = { [R in Reason]: (typeof REASONS)[R] extends Answer ? R : never }[Reason]

/** Reasons that are answered with fresh challenges. */
export type ChallengeReason = ReasonWith<'challenge'>

/** Reasons that refuse the request outright. */
export type RefusalReason = ReasonWith<400 | 403>

/** Reasons for which the client is told to come again later. */
export type RetryReason = ReasonWith<503>

/** Who was let in, and where. */
export type Admission = {
  /** Lower case: the credential's, which is the domain's where a SIP domain was asked for. */
  readonly realm: string
  readonly accountSid: string
  /** Undefined for whoever a SIP domain lets in by the address that he calls from. */
  readonly credential: CredentialIdentity | undefined
  /** The SIP domain that the request asked for; undefined where it named none. */
  readonly domain: Pick<SipDomain, 'name' | 'sid'> | undefined
}

/** The outcome of a check: a value, never an exception. The reason never reaches the phone. */
export type Verdict =
  | ({ readonly reason: 'ok' } & Admission)
  | { readonly reason: ChallengeReason; readonly realm: string; readonly challenges: readonly Challenge[] }
  /** `detail` says which field broke which rule; fit for a reason phrase or a log, free of secrets and of CR or LF. */
  | { readonly reason: RefusalReason; readonly detail: string }
  | { readonly reason: RetryReason; readonly retryAfterSeconds: number }

/** SIP status that answers the verdict; `proxy` turns 401 into 407 (RFC 3261 section 22.3). */
export function sipStatus(reason: Reason, proxy = false): number {
  const status = REASONS[reason]
  if (status !== 'challenge') return status
  return proxy ? 407 : 401
}

/** Seconds after which a client may try again when no store can be read. */
export const UNAVAILABLE_RETRY_SECONDS = 5

/** Refuses a request, and says why. */
export function refuse(reason: RefusalReason, detail: string): Verdict {
  return { reason, detail }
}

/** No store could be read, which is never taken for an unknown user. */
export const UNAVAILABLE: Verdict = { reason: 'unavailable', retryAfterSeconds: UNAVAILABLE_RETRY_SECONDS }
