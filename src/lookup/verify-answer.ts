import { type Admission, sipStatus, type Verdict } from '../auth/verdict.js'
import { formatChallenge } from '../digest/challenge.js'
import type { VerifyFormat } from './verify-format.js'

/** What a proxy is told: the SIP status to send, why, and the header lines to add. */
export type VerifyAnswer = {
  readonly status: number
  readonly reason: Verdict['reason']
  /** Header lines for the SIP reply, without line ends. */
  readonly headers: readonly string[]
  /** HTTP status, where it is not the SIP one. */
  readonly httpStatus: number
  readonly retryAfterSeconds?: number
  readonly more: Readonly<Record<string, string>>
}

/** An HTTP answer, but for what every answer has. */
export type HttpAnswer = {
  readonly status: number
  readonly retryAfterSeconds: number | undefined
  readonly contentType: string
  readonly body: string
}

/** Media type of JSON answers, as Fastify writes it. */
export const JSON_TYPE = 'application/json; charset=utf-8'
const TEXT_TYPE = 'text/plain; charset=utf-8'

const NO_HEADERS: readonly string[] = []

/** What a verdict is to a proxy; `proxy`: challenged with 407. */
export function toVerifyAnswer(verdict: Verdict, proxy: boolean): VerifyAnswer {
  const status = sipStatus(verdict.reason, proxy)
  if (verdict.reason === 'ok') {
    return { status, reason: verdict.reason, headers: NO_HEADERS, httpStatus: status, more: describe(verdict) }
  }
  const plain = { status, reason: verdict.reason, headers: NO_HEADERS, httpStatus: status, more: {} }
  if ('challenges' in verdict) {
    const name = proxy ? 'Proxy-Authenticate' : 'WWW-Authenticate'
    return { ...plain, headers: verdict.challenges.map((challenge) => `${name}: ${formatChallenge(challenge)}`) }
  }
  if ('retryAfterSeconds' in verdict) {
    const { retryAfterSeconds } = verdict
    const httpStatus = verdict.reason === 'throttled' ? 429 : status
    return { ...plain, httpStatus, retryAfterSeconds, headers: [`Retry-After: ${retryAfterSeconds}`] }
  }
  return refuseVerify(status, verdict.reason, verdict.detail)
}

/** A refusal that says why. */
export function refuseVerify(status: number, reason: Verdict['reason'], detail: string): VerifyAnswer {
  return { status, reason, headers: NO_HEADERS, httpStatus: status, more: { detail } }
}

/** Who was let in: a credential's user, or, where there is none, whoever calls from an admitted address. */
function describe({ realm, accountSid, credential, domain }: Admission): VerifyAnswer['more'] {
  const where = domain ? { domain_sid: domain.sid } : undefined
  if (!credential) return { realm, account_sid: accountSid, ...where }
  return {
    username: credential.username,
    realm,
    account_sid: accountSid,
    credential_list_sid: credential.credentialListSid,
    credential_sid: credential.credentialSid,
    ...where,
  }
}

/** Puts the answer into the form that was asked for. */
export function formatVerifyAnswer(answer: VerifyAnswer, format: VerifyFormat): HttpAnswer {
  const { headers, retryAfterSeconds } = answer
  let hdr = ''
  for (const line of headers) hdr += `${line}\r\n`
  return {
    status: format.http200 ? 200 : answer.httpStatus,
    retryAfterSeconds,
    contentType: format.text ? TEXT_TYPE : JSON_TYPE,
    body: format.text ? hdr : toJson(answer, hdr),
  }
}

/** As `JSON.stringify({ status, reason, headers, hdr, ...more })`, in a third of its time. */
function toJson({ status, reason, headers, more }: VerifyAnswer, hdr: string): string {
  let json = `{"status":${status},"reason":"${reason}","headers":${JSON.stringify(headers)},"hdr":${toJsonString(hdr)}`
  for (const name in more) json += `,"${name}":${toJsonString(more[name] ?? '')}`
  return `${json}}`
}

/** Characters that stand for themselves in a JSON string (RFC 8259 section 7); of those beyond ASCII some do not. */
const PLAIN = /^[ !#-\x5b\x5d-~]*$/

function toJsonString(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(text)
}
