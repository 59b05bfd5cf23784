import type { Companion } from '../auth/companion.js'

/**
 * Whose contacts are kept: RFC 3261 section 10.1 calls it the address of record. `realm` is lower case; a SIP domain's
 * users are kept under its realm, in which their names are unique.
 */
export type AddressOfRecord = { readonly realm: string; readonly username: string }

/** One contact of an address of record. */
export type Binding = {
  /** Contact URI as the phone wrote it. */
  readonly uri: string
  /** The URI in the form in which it is compared (RFC 3261 section 19.1.4): one binding for each. */
  readonly key: string
  /** Preference from 0 to 1, RFC 3261 section 20.10. */
  readonly q?: number | undefined
  readonly callId: string
  readonly cseq: number
  /** Milliseconds since 1970. */
  readonly expiresAt: number
}

/** What one REGISTER asks for one contact; 0 seconds remove it. */
export type ContactChange = {
  readonly uri: string
  readonly key: string
  readonly q?: number | undefined
  readonly expiresSeconds: number
}

/** What one REGISTER asks, whole: its contacts, or `*` to remove all (RFC 3261 section 10.2.2). */
export type BindingsChange = {
  readonly callId: string
  readonly cseq: number
  readonly contacts: readonly ContactChange[] | '*'
}

/**
 * What became of a change. `out_of_order`: a binding of the same Call-ID has seen this CSeq or a higher one.
 * `too_many`: more than BINDINGS_MAX would stay. In both cases nothing was changed.
 */
export type BindingsOutcome =
  | { readonly outcome: 'done'; readonly bindings: readonly Binding[] }
  | { readonly outcome: 'out_of_order' | 'too_many' }

/** A change as it comes out if nobody has changed these bindings since they were last seen here. */
export type PreparedChange = {
  /** Makes the change, in the step that spends the nonce count of its request. */
  readonly companion: Companion
  /** Once it was made; undefined before, and where it was not: then it is for `update` to make. */
  outcome(): BindingsOutcome | undefined
}

/** Contacts that one address of record may have. */
export const BINDINGS_MAX = 10

/**
 * The location service (RFC 3261 section 10.3). Both methods reject where the store does not answer; what has expired
 * is never shown.
 */
export type Bindings = {
  /** Applies one REGISTER's change whole or not at all (steps 6 and 7), and tells what is bound afterwards. */
  update(address: AddressOfRecord, change: BindingsChange): Promise<BindingsOutcome>
  /** Undefined, as in a store without it, where the change cannot be made so: then it is for `update` to make. */
  prepare?(address: AddressOfRecord, change: BindingsChange): PreparedChange | undefined
  list(address: AddressOfRecord): Promise<readonly Binding[]>
}
