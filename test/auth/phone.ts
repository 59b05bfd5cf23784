import type { HashAlgorithm } from '../../src/digest/algorithm.js'
import type { Challenge } from '../../src/digest/challenge.js'
import { computeHa1 } from '../../src/digest/ha1.js'
import { quote } from '../../src/digest/quoted-string.js'
import { computeResponse } from '../../src/digest/response.js'

/** What a phone answers a challenge with; the rest is as a plain REGISTER of alice@example.com has it. */
export type Answer = {
  readonly username?: string
  readonly password?: string
  /** Realm as the phone writes and hashes it. */
  readonly realm?: string
  readonly method?: string
  readonly uri?: string
  /** Nonce count, eight hex digits. */
  readonly nc?: string
  readonly cnonce?: string
  readonly body?: string | Uint8Array
  /** `none`: the form without qop, whatever was offered. */
  readonly qop?: 'auth' | 'auth-int' | 'none'
  readonly algorithm?: HashAlgorithm
  readonly session?: boolean
}

export const USERNAME = 'alice'
export const PASSWORD = 'Correct-Horse-42'
export const REALM = 'example.com'
/** A SIP domain whose realm is `REALM`. */
export const DOMAIN = 'acme.sip.example'
export const URI = `sip:${REALM}`

/** The value of an Authorization header that answers the challenge. */
export function answer(challenge: Pick<Challenge, 'nonce' | 'algorithm' | 'qop'>, how: Answer = {}): string {
  const { username = USERNAME, password = PASSWORD, realm = REALM, method = 'REGISTER', uri = URI } = how
  const { nc = '00000001', cnonce = 'f2/wE4q7', body, algorithm = challenge.algorithm, session = false } = how
  const chosen = how.qop ?? challenge.qop[0] ?? 'none'
  const qop = chosen === 'none' ? undefined : chosen
  const ha1 = computeHa1(algorithm, username, realm, password)
  const { nonce } = challenge
  const response = computeResponse({ algorithm, session, ha1, nonce, method, uri, qop, nc, cnonce, body })
  return [
    `Digest username=${quote(username)}`,
    `realm=${quote(realm)}`,
    `nonce=${quote(nonce)}`,
    `uri=${quote(uri)}`,
    `response="${response}"`,
    `algorithm=${algorithm}${session ? '-sess' : ''}`,
    ...(qop === undefined && !session ? [] : [`cnonce="${cnonce}"`]),
    ...(qop === undefined ? [] : [`qop=${qop}`, `nc=${nc}`]),
  ].join(', ')
}
