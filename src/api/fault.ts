/** What can be wrong with a request before any rule of a resource is asked, and the HTTP status of each. */
export const FAULTS = {
  malformed: 400,
  unauthenticated: 401,
  account_inactive: 401,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  timeout: 408,
  too_large: 413,
  unsupported_media_type: 415,
  expectation_failed: 417,
  too_many_requests: 429,
  headers_too_large: 431,
  internal: 500,
  unavailable: 503,
} as const

export type FaultCode = keyof typeof FAULTS

/** A request that cannot be answered as asked. Each dialect has its own body for it, from its own table of codes. */
export class Fault extends Error {
  override readonly name = 'Fault'
  constructor(
    readonly code: FaultCode,
    /** A sentence that names what is wrong, and holds no secret. */
    message: string,
    /** Header fields that belong to the answer. */
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(message)
  }
}
