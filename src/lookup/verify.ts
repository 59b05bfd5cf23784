import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Authenticator } from '../auth/authenticator.js'
import type { Metrics } from '../metrics.js'
import { ParameterFault, type Parameters } from './parameters.js'
import {
  formatVerifyAnswer,
  type HttpAnswer,
  refuseVerify,
  toVerifyAnswer,
  type VerifyAnswer,
} from './verify-answer.js'
import { readVerifyFormat, type VerifyFormat } from './verify-format.js'
import { readVerifyRequest, type VerifyRequest } from './verify-request.js'

/** The path of `POST /v1/verify`. */
export const VERIFY_PATH = '/v1/verify'

export type VerifyDeps = { readonly authenticator: Authenticator; readonly metrics: Metrics }

/**
 * The whole check of one SIP request, for proxies: whatever its parameters hold comes to an answer. `readParameters`
 * may throw a `ParameterFault`. Rejects for what nobody expects.
 */
export type Verify = (readParameters: () => Parameters, format: VerifyFormat) => Promise<HttpAnswer>

export function createVerify({ authenticator, metrics }: VerifyDeps): Verify {
  function read(readParameters: () => Parameters): VerifyRequest | VerifyAnswer {
    try {
      return readVerifyRequest(readParameters())
    } catch (error) {
      if (!(error instanceof ParameterFault)) throw error
      // It never becomes a request to check, and is a verdict all the same.
      metrics.verdicts.count('http', 'other', 'malformed')
      return refuseVerify(400, 'malformed', error.message)
    }
  }

  return async (readParameters, format) => {
    const asked = read(readParameters)
    if ('reason' in asked) return formatVerifyAnswer(asked, format)
    const checked = authenticator.verify('http', asked.request)
    const verdict = checked instanceof Promise ? await checked : checked
    return formatVerifyAnswer(toVerifyAnswer(verdict, asked.proxy), format)
  }
}

/** `POST /v1/verify` as a route of Fastify. */
export function createVerifyHandler(verify: Verify) {
  return async (request: FastifyRequest, reply: FastifyReply) => {
    // Before the check: what cannot be answered must not spend a nonce count.
    const format = readVerifyFormat(request.url, request.headers.accept)
    // Both parsers of bodies make a function that reads them; a request without a body has none.
    const readParameters = (request.body as (() => Parameters) | undefined) ?? (() => new Map())
    const { status, retryAfterSeconds, contentType, body } = await verify(readParameters, format)
    reply.code(status)
    if (retryAfterSeconds !== undefined) reply.header('retry-after', retryAfterSeconds)
    return reply.type(contentType).send(body)
  }
}
