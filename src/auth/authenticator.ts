import type { AuthRequest } from './auth-request.js'
import type { Verdict } from './verdict.js'

/** A door that a request came through; the label `door` of the metrics. */
export type Door = 'http' | 'sip'

/** THE hot path. Never rejects: what fails is the verdict `unavailable`. */
export type Authenticator = {
  verify(door: Door, request: AuthRequest): Promise<Verdict>
}
