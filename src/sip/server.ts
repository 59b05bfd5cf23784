import type { Authenticator } from '../auth/authenticator.js'
import type { Log } from '../log.js'
import type { Bindings } from './bindings.js'

/** What native SIP is built on. */
export type SipServerDeps = {
  readonly authenticator: Authenticator
  readonly bindings: Bindings
  /** SIP URI that an authenticated request is redirected to when the callee has no binding. */
  readonly nextHop: string | undefined
  readonly log: Log
  /** Milliseconds since 1970. */
  readonly now: () => number
}

/** Where to listen; a port of 0 takes a free one, the same for UDP and TCP. */
export type SipAddresses = {
  readonly host: string
  /** UDP and TCP. */
  readonly port: number | 'off'
  readonly tlsPort: number | 'off'
  readonly wsPort: number | 'off'
  /** PEM texts of certificate chain and key; needed where `tlsPort` is not off. */
  readonly tls: { readonly cert: string; readonly key: string } | undefined
}

/** What was bound, each as `host:port`. */
export type BoundSipAddresses = { sip?: string; sips?: string; ws?: string }

export type SipServer = {
  /** Rejects with node's error (EADDRINUSE and others) once it has closed what it had opened. */
  listen(addresses: SipAddresses): Promise<BoundSipAddresses>
  /** Reads nothing new, lets what is being answered finish for a few seconds, then ends everything. */
  close(): Promise<void>
}

/** Native SIP over UDP, TCP, TLS and WebSocket: a registrar and a redirect server (RFC 3261 sections 8.3 and 10). */
export function createSipServer(_deps: SipServerDeps): SipServer {
  throw new Error('native SIP is not built yet')
}
