import { type Credential, HA1_FIELDS } from '../credential.js'
import type { HashAlgorithm } from '../digest/algorithm.js'
import type { MirrorKey, MirrorRecord } from './mirror.js'

const CREDENTIAL_PREFIX = 'sipauth:cred:'
const REALM_PREFIX = 'sipauth:realm:'

/** Patterns that find all keys of the mirror's records. */
export const RECORD_PATTERNS = [`${CREDENTIAL_PREFIX}*`, `${REALM_PREFIX}*`] as const

/** Where a record lies in Redis. No realm holds a colon, so a key is unambiguous. */
export function toRedisKey({ realm, username }: MirrorKey): string {
  return username === undefined ? `${REALM_PREFIX}${realm}` : `${CREDENTIAL_PREFIX}${realm}:${username}`
}

/** What lies at a key that one of the patterns found. */
export function fromRedisKey(key: string): MirrorKey {
  if (key.startsWith(REALM_PREFIX)) return { realm: key.slice(REALM_PREFIX.length), username: undefined }
  const [realm = '', ...username] = key.slice(CREDENTIAL_PREFIX.length).split(':')
  return { realm, username: username.join(':') }
}

/**
 * The fields of a record's hash, its version `v` apart; undefined for a tombstone. Proxies read them: their names are
 * a promise. A credential that may not authenticate has no `ha1…` field.
 */
export function toFields(record: MirrorRecord): Readonly<Record<string, string>> | undefined {
  if (record.username === undefined) return record.algorithms && { algorithms: record.algorithms.join(',') }
  return record.credential && credentialFields(record.credential)
}

function credentialFields(credential: Credential): Readonly<Record<string, string>> {
  const { accountSid, credentialListSid, credentialSid, ha1s } = credential
  return { account: accountSid, list: credentialListSid, sid: credentialSid, ...ha1s }
}

/** Every field that may hold an HA1; what differs in one is told, never shown. */
export const HA1_FIELD_NAMES: ReadonlySet<string> = new Set(Object.values(HA1_FIELDS).flat())

/** Reads the field `algorithms` of a realm's hash. */
export function parseAlgorithms(text: string | null | undefined): readonly HashAlgorithm[] | undefined {
  return text ? (text.split(',') as HashAlgorithm[]) : undefined
}
