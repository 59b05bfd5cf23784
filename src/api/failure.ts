import { Refusal, Unavailable } from '../errors.js'
import { isDatabaseUnavailable } from '../store/database.js'
import { Fault, type FaultCode } from './fault.js'

/** A request that failed, in words that a dialect can translate. */
export type Failure = Fault | Refusal

/** The answer to a failed request, as a dialect puts it. */
export type FailureAnswer = {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: object
}

/** Seconds after which a client may come again while a store is away. */
const RETRY_AFTER_SECONDS = '5'

/** What Fastify and Node's parser refuse by themselves: the code of their error, our word for it, and why. */
const FRAMEWORK_FAULTS: Readonly<Record<string, readonly [code: FaultCode, message: string]>> = {
  FST_ERR_BAD_URL: ['malformed', 'The path must be percent-encoded UTF-8'],
  FST_ERR_MAX_PARAM_LENGTH: ['not_found', 'The path names nothing'],
  FST_ERR_CTP_BODY_TOO_LARGE: ['too_large', 'The body must not exceed 64 KiB'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['malformed', 'The body must be as long as Content-Length says'],
  FST_ERR_ROUTE_MISSING_CONTENT_TYPE: ['malformed', 'Content-Type is required'],
  ERR_HTTP_REQUEST_TIMEOUT: ['timeout', 'The request took too long to arrive'],
  HPE_HEADER_OVERFLOW: ['headers_too_large', 'The request line and the header fields are too long'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: ['too_large', 'The chunk extensions are too long'],
}

/** Turns whatever was thrown into a failure; what nobody expected becomes `internal`, and tells nothing of itself. */
export function toFailure(error: unknown): Failure {
  if (error instanceof Fault || error instanceof Refusal) return error
  if (error instanceof Unavailable || isDatabaseUnavailable(error)) {
    return new Fault('unavailable', 'Service unavailable, try again later', { 'retry-after': RETRY_AFTER_SECONDS })
  }
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const known = FRAMEWORK_FAULTS[code]
  if (known) return new Fault(...known)
  if (code.startsWith('HPE_')) return new Fault('malformed', 'The request is not valid HTTP')
  return new Fault('internal', 'Internal server error')
}
