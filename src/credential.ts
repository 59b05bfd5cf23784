import { ALGORITHMS, type HashAlgorithm } from './digest/algorithm.js'

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

const HASHES = Object.entries(HA1_FIELDS) as [HashAlgorithm, readonly Ha1Field[]][]
const HEX_LENGTHS = new Map(
  HASHES.flatMap(([algorithm, fields]) => fields.map((field) => [field, ALGORITHMS[algorithm].hexLength] as const)),
)

/** How many hex digits the HA1 in that field of a record has; undefined where the field holds none. */
export function hexLengthOf(field: string): number | undefined {
  return HEX_LENGTHS.get(field as Ha1Field)
}

/**
 * Reads what a store holds in a field of an HA1; undefined where it is none. Whatever stood there, a response could be
 * computed from it, from the empty text too: what was never a hash must let nobody in.
 */
export function readHa1(field: Ha1Field, held: string | null | undefined): string | undefined {
  if (held === null || held === undefined) return undefined
  return held.length === HEX_LENGTHS.get(field) && /^[0-9a-f]+$/.test(held) ? held : undefined
}

/** Reads all HA1s that a store holds of a credential; undefined where MD5's is none. */
export function readHa1s(held: Readonly<Record<Ha1Field, string | null>>): StoredHa1s | undefined {
  const ha1 = readHa1('ha1', held.ha1)
  if (ha1 === undefined) return undefined
  const read: { -readonly [Field in keyof StoredHa1s]: StoredHa1s[Field] } = { ha1 }
  for (const field of HEX_LENGTHS.keys()) {
    const other = readHa1(field, held[field])
    if (other !== undefined) read[field] = other
  }
  return read
}

/** Whose credential it is; what a verdict of `ok` tells the proxy. */
export type CredentialIdentity = {
  readonly username: string
  /** Lower case. */
  readonly realm: string
  readonly accountSid: string
  readonly credentialListSid: string
  readonly credentialSid: string
}

/** A stored credential as the mirror holds it. Its account's status counts for checks by the record of its realm. */
export type Credential = CredentialIdentity & {
  /** Grows with each change; drawn from one sequence in PostgreSQL. Decimal digits: it outgrows a double. */
  readonly version: string
  /** Undefined where it is disabled. */
  readonly ha1s: StoredHa1s | undefined
  /** Whether its account is active: of one that is not, Redis holds no HA1, for proxies that read it themselves. */
  readonly active: boolean
}
