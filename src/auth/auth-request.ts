import type { Companion } from './companion.js'
import type { Admission } from './verdict.js'

/** What a door asks the authenticator about one SIP request. */
export type AuthRequest = {
  /** SIP method of the request, upper case as on the wire. */
  readonly method: string
  /** Realm to challenge with, where `domain` names no SIP domain. */
  readonly realm?: string | undefined
  /**
   * Host of the address that the request is for. Where it names a SIP domain, that decides the realm and who may do
   * what; otherwise it is the realm itself where `realm` is not given.
   */
  readonly domain?: string | undefined
  /** Values of the request's Authorization (or Proxy-Authorization) headers, raw, in order. */
  readonly authorizations: readonly string[]
  /** Request-URI; where given, the digest's `uri` must name the same resource. */
  readonly uri?: string | undefined
  /** Message body, for `qop=auth-int`. */
  readonly body?: string | Uint8Array | undefined
  /** User part of From or To that must be the digest's user; checked once the response is right. */
  readonly identity?: string | undefined
  /** Address that the request came from; without it nothing is throttled, and nobody is let in by address. */
  readonly sourceIp?: string | undefined
  readonly userAgent?: string | undefined
  readonly callId?: string | undefined
  /** Asked before the nonce count is spent, with what will be answered if it is new: what is to be stored with it. */
  readonly companion?: ((admission: Admission) => Companion | undefined) | undefined
}
