import type { Ha1Record } from '../auth/credential-source.js'
import { type Ha1Field, readHa1 } from '../credential.js'
import type { Near } from '../redis/near-keeper.js'

/** A credential's hash in Redis, as far as it was asked for. Small, since there may be a hundred thousand of them. */
export type HeldCredential = {
  readonly sid: string
  readonly account: string
  readonly list: string
  /** The HA1 for MD5, which tells whether it may authenticate at all. */
  readonly ha1: string | undefined
  /** The other HA1s that were asked for; null where there is none. */
  readonly others: Readonly<Partial<Record<Ha1Field, string | null>>> | undefined
}

const IDENTITY = ['sid', 'account', 'list', 'ha1'] as const

/** Fields of a credential's hash that `parseHeld` wants, in its order. */
export function heldFields(field: Ha1Field): readonly string[] {
  return field === 'ha1' ? IDENTITY : [...IDENTITY, field]
}

/** Reads the fields of a credential's hash; null where there is nothing or a tombstone. */
export function parseHeld(field: Ha1Field, values: readonly (string | null)[]): HeldCredential | null {
  const [sid, account, list, ha1, other] = values
  if (!sid || !account || !list) return null
  const others = field === 'ha1' ? undefined : { [field]: readHa1(field, other) ?? null }
  return { sid, account, list, ha1: readHa1('ha1', ha1), others }
}

/** Adds what another question has brought of the same credential. */
export function mergeHeld(held: Near<HeldCredential>, more: HeldCredential | null): HeldCredential | null {
  if (!held?.others || more === null) return more
  return { ...more, others: { ...held.others, ...more.others } }
}

/** The credential as a check needs it; undefined where that HA1 was not asked for. */
export function toHa1Record(
  { sid, account, list, ha1, others }: HeldCredential,
  key: { readonly realm: string; readonly username: string; readonly field: Ha1Field; readonly isActive: boolean },
): Ha1Record | undefined {
  const { realm, username, field, isActive } = key
  const wanted = field === 'ha1' ? (ha1 ?? null) : others?.[field]
  if (wanted === undefined) return undefined
  const usable = isActive && ha1 !== undefined
  return {
    realm,
    username,
    credentialSid: sid,
    accountSid: account,
    credentialListSid: list,
    usable,
    ha1: usable ? (wanted ?? undefined) : undefined,
    doubtful: isActive && ha1 === undefined,
  }
}
