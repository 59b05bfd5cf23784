import { hash } from 'node:crypto'
import { computeHa1 } from '../src/digest/ha1.js'

/** A user who answers challenges as a phone does: MD5, qop=auth. */
export type DigestClient = {
  /** The value of the next Authorization header: the nonce count grows with each. */
  next(method: string, uri: string): string
}

/** Whose credentials a client has: the password, or the HA1 that it comes to. */
export type DigestUser = {
  readonly username: string
  readonly realm: string
  readonly nonce: string
  /** The last nonce count that was used; counting starts at 1 otherwise. */
  readonly count?: number
} & ({ readonly password: string } | { readonly ha1: string })

/**
 * Starts counting for a nonce. It computes responses by itself: V8 compiles a function for all its callers, and what is
 * measured has none but the checks.
 */
export function createDigestClient(user: DigestUser): DigestClient {
  const { username, realm, nonce } = user
  const ha1 = 'ha1' in user ? user.ha1 : computeHa1('MD5', username, realm, user.password)
  const cnonce = '0a4f113b0a4f113b'
  let { count = 0 } = user
  return {
    next(method, uri) {
      const nc = (++count).toString(16).padStart(8, '0')
      const ha2 = hash('md5', `${method}:${uri}`)
      const response = hash('md5', `${ha1}:${nonce}:${nc}:${cnonce}:auth:${ha2}`)
      return (
        `Digest username="${username}", realm="${realm}", nonce="${nonce}", uri="${uri}", response="${response}", ` +
        `algorithm=MD5, cnonce="${cnonce}", qop=auth, nc=${nc}`
      )
    },
  }
}

/** The nonce of a challenge. */
export function nonceOf(challenge: string): string {
  const [, nonce] = /nonce="([^"]+)"/.exec(challenge) ?? []
  if (nonce === undefined) throw new Error(`there is no nonce in ${challenge}`)
  return nonce
}
