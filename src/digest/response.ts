import type { HashAlgorithm } from './algorithm.js'
import type { Qop } from './challenge.js'
import { hashHex } from './hash.js'
import { createRecent, type Recent } from './recent.js'

/** Uris of REGISTER whose H(A2) is kept, at least, and the longest of them in characters. */
const URIS = 500
const URI_LENGTH_MAX = 256

/** All that a response depends on; the texts stand as the request's header has them, unquoted. */
export type ResponseInput = {
  readonly algorithm: HashAlgorithm
  /** Whether the algorithm is a `-sess` one. */
  readonly session: boolean
  /** H(username ":" realm ":" password) in lower-case hex, for sessions too. */
  readonly ha1: string
  readonly nonce: string
  readonly method: string
  readonly uri: string
  /** Undefined: the form of RFC 2069, without nc and cnonce. */
  readonly qop: Qop | undefined
  /** The nonce count's eight digits as sent: their case enters the hash. */
  readonly nc: string | undefined
  readonly cnonce: string | undefined
  /** Message body for `auth-int`; undefined is an empty one. */
  readonly body: string | Uint8Array | undefined
}

/**
 * The response that a client with this HA1 must give, in lower-case hex: RFC 7616 section 3.4.1, and for requests
 * without qop RFC 2069 section 2.1.2, which RFC 2617 section 3.2.2.1 keeps.
 * Throws a TypeError for a qop without nc and cnonce or a session without cnonce, which no parsed header can be.
 */
export function computeResponse(input: ResponseInput): string {
  const { algorithm, nonce, qop, nc, cnonce } = input
  const ha1 = input.session ? sessionHa1(input) : input.ha1
  const ha2 = computeHa2(input)
  if (qop === undefined) return hashHex(algorithm, `${ha1}:${nonce}:${ha2}`)
  if (nc === undefined || cnonce === undefined) throw new TypeError('a response with qop needs nc and cnonce')
  return hashHex(algorithm, `${ha1}:${nonce}:${nc}:${cnonce}:${qop}:${ha2}`)
}

/** H(A1) of a session, RFC 7616 section 3.4.2; the inner hash enters as its hex digits, section 3.2. */
function sessionHa1({ algorithm, ha1, nonce, cnonce }: ResponseInput): string {
  if (cnonce === undefined) throw new TypeError('a session needs cnonce')
  return hashHex(algorithm, `${ha1}:${nonce}:${cnonce}`)
}

/** H(A2), RFC 7616 section 3.4.3. */
function computeHa2({ algorithm, method, uri, qop, body }: ResponseInput): string {
  if (qop === 'auth-int') return hashHex(algorithm, `${method}:${uri}:${hashHex(algorithm, body ?? '')}`)
  return method === 'REGISTER' ? registerHa2(algorithm, uri) : hashHex(algorithm, `${method}:${uri}`)
}

/**
 * H(A2) of REGISTER by its uri. That names a domain and no user (RFC 3261 section 10.2), so few are in use, and they
 * come with most of all requests. No secret is in it.
 */
const REGISTER_HA2S: Readonly<Record<HashAlgorithm, Recent<string>>> = {
  MD5: createRecent(URIS),
  'SHA-256': createRecent(URIS),
  'SHA-512-256': createRecent(URIS),
}

function registerHa2(algorithm: HashAlgorithm, uri: string): string {
  const known = REGISTER_HA2S[algorithm].get(uri)
  if (known !== undefined) return known
  const ha2 = hashHex(algorithm, `REGISTER:${uri}`)
  // As a text of its own: one that was cut out of a header keeps the whole header.
  if (uri.length <= URI_LENGTH_MAX) REGISTER_HA2S[algorithm].put(Buffer.from(uri, 'utf16le').toString('utf16le'), ha2)
  return ha2
}
