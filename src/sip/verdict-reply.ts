import { randomInt } from 'node:crypto'
import { sipStatus, type Verdict } from '../auth/verdict.js'
import { formatChallenge } from '../digest/challenge.js'
import type { Reply } from './reply.js'

/** A verdict other than `ok`. */
export type Refusal = Exclude<Verdict, { readonly reason: 'ok' }>

/** Most seconds by which phones that were sent away together are spread over time. */
const SPREAD_SECONDS = 5

/**
 * The answer to a request that is not let in. A phone learns neither that a user is unknown nor why it is forbidden;
 * which field of its own header is malformed, it may know.
 */
export function refusalReply(verdict: Refusal): Reply {
  if ('challenges' in verdict) return { status: 401, challenges: verdict.challenges.map(formatChallenge) }
  if ('retryAfterSeconds' in verdict) return unavailable(verdict.retryAfterSeconds)
  return sipStatus(verdict.reason) === 403 ? { status: 403 } : { status: 400, reason: verdict.detail }
}

/** 503 with a Retry-After at or a little after the given number of seconds. */
export function unavailable(retryAfterSeconds: number): Reply {
  const seconds = Math.ceil(retryAfterSeconds) + randomInt(SPREAD_SECONDS + 1)
  return { status: 503, headers: { 'retry-after': `${seconds}` } }
}
