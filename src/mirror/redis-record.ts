import { type Credential, HA1_FIELDS } from '../credential.js'
import type { HashAlgorithm } from '../digest/algorithm.js'
import type { RealmOffer } from '../realm-offer.js'
import type { RecordKey } from '../record-key.js'
import type { SipDomain } from '../sip-domain.js'
import type { MirrorRecord } from './mirror.js'

const CREDENTIAL_PREFIX = 'sipauth:cred:'
const REALM_PREFIX = 'sipauth:realm:'
const DOMAIN_PREFIX = 'sipauth:domain:'

/** How the keys of all the mirror's records begin. */
export const RECORD_PREFIXES = [CREDENTIAL_PREFIX, REALM_PREFIX, DOMAIN_PREFIX] as const

/** Where a credential lies in Redis. No realm holds a colon, so a key is unambiguous. */
export function credentialKey(realm: string, username: string): string {
  return `${CREDENTIAL_PREFIX}${realm}:${username}`
}

export function realmKey(realm: string): string {
  return REALM_PREFIX + realm
}

export function domainKey(domain: string): string {
  return DOMAIN_PREFIX + domain
}

/** Where a record lies in Redis. */
export function toRedisKey(key: RecordKey): string {
  if (key.kind === 'domain') return domainKey(key.domain)
  return key.kind === 'realm' ? realmKey(key.realm) : credentialKey(key.realm, key.username)
}

/** What lies at a key that one of the patterns found. */
export function fromRedisKey(key: string): RecordKey {
  if (key.startsWith(REALM_PREFIX)) return { kind: 'realm', realm: key.slice(REALM_PREFIX.length) }
  if (key.startsWith(DOMAIN_PREFIX)) return { kind: 'domain', domain: key.slice(DOMAIN_PREFIX.length) }
  const [realm = '', ...username] = key.slice(CREDENTIAL_PREFIX.length).split(':')
  return { kind: 'credential', realm, username: username.join(':') }
}

/**
 * The fields of a record's hash, its version `v` apart; undefined for a tombstone. Proxies read them: their names are
 * a promise. A credential that may not authenticate has no `ha1…` field.
 */
export function toFields(record: MirrorRecord): Readonly<Record<string, string>> | undefined {
  if (record.holds === undefined) return undefined
  if (record.kind === 'credential') return credentialFields(record.holds)
  return record.kind === 'realm' ? offerFields(record.holds) : domainFields(record.holds)
}

function credentialFields(credential: Credential): Readonly<Record<string, string>> {
  const { accountSid, credentialListSid, credentialSid, ha1s, active } = credential
  return { account: accountSid, list: credentialListSid, sid: credentialSid, ...(active && ha1s) }
}

/** Every field that may hold an HA1; what differs in one is told, never shown. */
export const HA1_FIELD_NAMES: ReadonlySet<string> = new Set(Object.values(HA1_FIELDS).flat())

/** The field `active` of a realm whose account is suspended or closed. */
const INACTIVE = '0'

/** A list is separated by commas; what is undefined has no field, and an empty list an empty one. */
function offerFields({ algorithms, lacking, active }: RealmOffer): Readonly<Record<string, string>> {
  return {
    ...(algorithms && { algorithms: algorithms.join() }),
    ...(lacking.length > 0 && { lacking: lacking.join() }),
    ...(!active && { active: INACTIVE }),
  }
}

/** Fields of a realm's hash that `parseOffer` wants, in its order. */
export const REALM_FIELDS: readonly string[] = ['v', 'algorithms', 'lacking', 'active']

/** Reads the fields of a realm's hash; null where there is nothing or a tombstone. */
export function parseOffer([, algorithms, lacking, active]: readonly (string | null)[]): RealmOffer | null {
  if (!algorithms && !lacking && !active) return null
  return {
    algorithms: algorithms ? (algorithms.split(',') as HashAlgorithm[]) : undefined,
    lacking: splitList(lacking) as HashAlgorithm[],
    active: active !== INACTIVE,
  }
}

function domainFields(domain: SipDomain): Readonly<Record<string, string>> {
  const { sid, accountSid, realm, active, calls, registrations, ipRanges } = domain
  return {
    ...{ sid, account: accountSid, realm, active: active ? '1' : '0' },
    ...{ calls: calls.join(), registrations: registrations.join() },
    ...(ipRanges && { ip: ipRanges.join() }),
  }
}

/** Fields of a domain's hash that `parseDomain` wants, in its order. */
export const DOMAIN_FIELDS: readonly string[] = [
  ...['v', 'sid', 'account', 'realm', 'active'],
  ...['calls', 'registrations', 'ip'],
]

/** Reads the fields of a domain's hash; null where there is nothing or a tombstone. */
export function parseDomain(name: string, fields: readonly (string | null)[]): SipDomain | null {
  const [version, sid, accountSid, realm, active, calls, registrations, ip] = fields
  if (!version || !sid || !accountSid || !realm) return null
  return {
    ...{ name, sid, accountSid, realm, version, active: active === '1' },
    ...{ calls: splitList(calls), registrations: splitList(registrations) },
    ipRanges: ip === null || ip === undefined ? undefined : splitList(ip),
  }
}

function splitList(text: string | null | undefined): string[] {
  return text ? text.split(',') : []
}
