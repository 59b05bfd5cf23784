import type { HashAlgorithm } from './digest/algorithm.js'

/**
 * A credential's HA1s in lower-case hex, as Redis and PostgreSQL name them. `ha1…` are for phones whose digest user
 * name is `user`, `ha1b…` for those that log in as `user@realm`.
 */
export type Ha1Field = 'ha1' | 'ha1_sha256' | 'ha1_sha512_256' | 'ha1b' | 'ha1b_sha256' | 'ha1b_sha512_256'

/** Which stored field answers for which algorithm: `[user, user@realm]`. */
export const HA1_FIELDS: Readonly<Record<HashAlgorithm, readonly [user: Ha1Field, userAtRealm: Ha1Field]>> = {
  MD5: ['ha1', 'ha1b'],
  'SHA-256': ['ha1_sha256', 'ha1b_sha256'],
  'SHA-512-256': ['ha1_sha512_256', 'ha1b_sha512_256'],
}

/** All of a credential's HA1s, as its password makes them. */
export type Ha1s = Readonly<Record<Ha1Field, string>>

/** The HA1s that a credential is stored with: an imported one has those that its source had, and MD5's always. */
export type StoredHa1s = Pick<Ha1s, 'ha1'> & Partial<Ha1s>

/** Whose credential it is; what a verdict of `ok` tells the proxy. */
export type CredentialIdentity = {
  readonly username: string
  /** Lower case. */
  readonly realm: string
  readonly accountSid: string
  readonly credentialListSid: string
  readonly credentialSid: string
}

/**
 * A stored credential as the mirror holds it. `ha1s` is undefined where it may not authenticate: disabled itself, or
 * of an account that is not active.
 */
export type Credential = CredentialIdentity & {
  /** Grows with each change; drawn from one sequence in PostgreSQL. Decimal digits: it outgrows a double. */
  readonly version: string
  readonly ha1s: StoredHa1s | undefined
}
