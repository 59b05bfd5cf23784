import type { FastifyReply, FastifyRequest } from 'fastify'
import type { AuthRequest } from '../auth/auth-request.js'
import type { Authenticator } from '../auth/authenticator.js'
import { type Admission, sipStatus, type Verdict } from '../auth/verdict.js'
import { formatChallenge } from '../digest/challenge.js'
import type { Metrics } from '../metrics.js'
import { filled, flag, ParameterFault, type Parameters, parseEncoded, single } from './parameters.js'

/** What a proxy is told: the SIP status to send, why, and the header lines to add. */
type Answer = {
  readonly status: number
  readonly reason: Verdict['reason']
  /** Header lines for the SIP reply, without line ends. */
  readonly headers: readonly string[]
  /** HTTP status, where it is not the SIP one. */
  readonly httpStatus: number
  readonly retryAfterSeconds?: number
  readonly more: Readonly<Record<string, string>>
}

/** How the answer is wanted; from the query string. */
type Format = { readonly text: boolean; readonly http200: boolean }

export type VerifyDeps = { readonly authenticator: Authenticator; readonly metrics: Metrics }

/** `POST /v1/verify`: the whole check of one SIP request, for proxies. */
export function createVerifyHandler({ authenticator, metrics }: VerifyDeps) {
  return async (request: FastifyRequest, reply: FastifyReply) => {
    // Before the check: what cannot be answered must not spend a nonce count.
    const format = readFormat(request)
    // Both parsers of bodies make a function that reads them; a request without a body has none.
    const readParameters = (request.body as (() => Parameters) | undefined) ?? (() => new Map())
    return send(reply, await judge({ authenticator, metrics }, readParameters), format)
  }
}

async function judge({ authenticator, metrics }: VerifyDeps, readParameters: () => Parameters): Promise<Answer> {
  let proxy: boolean
  let authRequest: AuthRequest
  try {
    const parameters = readParameters()
    proxy = flag(parameters, 'proxy')
    authRequest = toAuthRequest(parameters)
  } catch (error) {
    if (!(error instanceof ParameterFault)) throw error
    // It never becomes a request to check, and is a verdict all the same.
    metrics.verdicts.count('http', 'other', 'malformed')
    return refuse(400, 'malformed', error.message)
  }
  return toAnswer(await authenticator.verify('http', authRequest), proxy)
}

/** How Kamailio spells what is not there. */
const NULL = '<null>'

function given(parameters: Parameters, name: string): string | undefined {
  const value = filled(parameters, name)
  return value === NULL ? undefined : value
}

function toAuthRequest(parameters: Parameters): AuthRequest {
  const method = filled(parameters, 'method')
  if (method === undefined) throw new ParameterFault('method must be given')
  const authorizations = (parameters.get('authorization') ?? []).filter((value) => value !== '' && value !== NULL)
  const realm = given(parameters, 'realm')
  const domain = given(parameters, 'domain')
  if (authorizations.length === 0 && realm === undefined && domain === undefined) {
    throw new ParameterFault('realm must be given where there is neither authorization nor domain')
  }
  const body = single(parameters, 'body')
  return {
    method,
    realm,
    domain,
    authorizations,
    uri: given(parameters, 'uri'),
    body: body === undefined ? undefined : Buffer.from(body, 'latin1'),
    // Given and empty is an address without a user part: nobody's.
    identity: single(parameters, 'identity'),
    sourceIp: given(parameters, 'source_ip'),
    userAgent: filled(parameters, 'user_agent'),
    callId: filled(parameters, 'call_id'),
  }
}

function toAnswer(verdict: Verdict, proxy: boolean): Answer {
  const status = sipStatus(verdict.reason, proxy)
  const plain = { status, reason: verdict.reason, headers: [], httpStatus: status, more: {} }
  if (verdict.reason === 'ok') return { ...plain, more: describe(verdict) }
  if ('challenges' in verdict) {
    const name = proxy ? 'Proxy-Authenticate' : 'WWW-Authenticate'
    return { ...plain, headers: verdict.challenges.map((challenge) => `${name}: ${formatChallenge(challenge)}`) }
  }
  if ('retryAfterSeconds' in verdict) {
    const { retryAfterSeconds } = verdict
    const httpStatus = verdict.reason === 'throttled' ? 429 : status
    return { ...plain, httpStatus, retryAfterSeconds, headers: [`Retry-After: ${retryAfterSeconds}`] }
  }
  return refuse(status, verdict.reason, verdict.detail)
}

/** Who was let in: a credential's user, or, where there is none, whoever calls from an admitted address. */
function describe({ realm, accountSid, credential, domain }: Admission): Answer['more'] {
  return {
    ...(credential && { username: credential.username }),
    ...{ realm, account_sid: accountSid },
    ...(credential && {
      credential_list_sid: credential.credentialListSid,
      credential_sid: credential.credentialSid,
    }),
    ...(domain && { domain_sid: domain.sid }),
  }
}

function refuse(status: number, reason: Verdict['reason'], detail: string): Answer {
  return { status, reason, headers: [], httpStatus: status, more: { detail } }
}

function readFormat(request: FastifyRequest): Format {
  const query = request.url.indexOf('?')
  if (query < 0) return { text: prefersText(request), http200: false }
  const parameters = parseEncoded(request.url.slice(query + 1), 'plus')
  const format = filled(parameters, 'format')
  if (format !== undefined && format !== 'text' && format !== 'json') {
    throw new ParameterFault('format must be text or json')
  }
  const http = filled(parameters, 'http')
  if (http !== undefined && http !== '200') throw new ParameterFault('http must be 200 or absent')
  return { text: format === undefined ? prefersText(request) : format === 'text', http200: http !== undefined }
}

function prefersText(request: FastifyRequest): boolean {
  return request.headers.accept?.trim().toLowerCase().startsWith('text/plain') ?? false
}

function send(reply: FastifyReply, answer: Answer, format: Format): FastifyReply {
  const { status, reason, headers, more } = answer
  reply.code(format.http200 ? 200 : answer.httpStatus)
  if (answer.retryAfterSeconds !== undefined) reply.header('retry-after', answer.retryAfterSeconds)
  const hdr = headers.map((line) => `${line}\r\n`).join('')
  if (format.text) return reply.type('text/plain; charset=utf-8').send(hdr)
  return reply.type('application/json').send(JSON.stringify({ status, reason, headers, hdr, ...more }))
}
