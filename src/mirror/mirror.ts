import type { MirrorReader } from '../auth/credential-source.js'
import type { Credential } from '../credential.js'
import type { RealmOffer } from '../realm-offer.js'
import type { RecordKey, RecordKeyOf } from '../record-key.js'
import type { SipDomain } from '../sip-domain.js'

/** The state that the mirror is to hold of one key; what `holds` is undefined where there is nothing (any more). */
export type MirrorRecord = { readonly version: string } & (
  | (RecordKeyOf<'credential'> & { readonly holds: Credential | undefined })
  | (RecordKeyOf<'realm'> & { readonly holds: RealmOffer | undefined })
  | (RecordKeyOf<'domain'> & { readonly holds: SipDomain | undefined })
)

/** What is left of a record that is gone: its version, so that an older change that comes late does not undo that. */
export function toTombstone(key: RecordKey & { readonly version: string }): MirrorRecord {
  return { ...key, holds: undefined }
}

/** A copy of the credentials that the hot path reads. */
export type Mirror = MirrorReader & {
  /** Whether all nodes see the same copy; one that is not shared must follow every node's changes. */
  readonly shared: boolean
  /**
   * Takes each record unless a newer version is held. Where the truth is given and, asked again, is still older than
   * what is held, it is taken all the same: nothing is mirrored before it is committed. Rejects when it could not take
   * all.
   */
  apply(records: readonly MirrorRecord[], truth?: Truth): Promise<void>
  /** Drops what this process holds of those records besides: another process of its node has written them. */
  forget(keys: readonly RecordKey[]): void
  /** Says whether the copy is known to lack committed changes. */
  setBehind(behind: boolean): void
}

/** What the database holds at this moment, in the mirror's terms. */
export type Truth = {
  count(): Promise<number>
  /** Every record that there is, in slices. */
  walk(): AsyncIterable<readonly MirrorRecord[]>
  /** The named records as they are now; of a key that is gone, nothing. */
  read(keys: readonly RecordKey[]): Promise<readonly MirrorRecord[]>
}
