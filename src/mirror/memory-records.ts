import type { RecordKey, RecordKeyOf, RecordKind } from '../record-key.js'
import type { MirrorRecord } from './mirror.js'

/** What a record of that kind holds. */
type Held<Kind extends RecordKind> = NonNullable<Extract<MirrorRecord, { readonly kind: Kind }>['holds']>

/** Records by what names them: to put a name together for every look-up would cost more than the look-up. */
export type MemoryRecords = {
  get(key: RecordKey): MirrorRecord | undefined
  set(record: MirrorRecord): void
  delete(key: RecordKey): void
  credential(realm: string, username: string): Held<'credential'> | undefined
  realm(realm: string): Held<'realm'> | undefined
  domain(name: string): Held<'domain'> | undefined
}

type RecordOf<Kind extends RecordKind> = MirrorRecord & RecordKeyOf<Kind>

export function createMemoryRecords(): MemoryRecords {
  const credentials = new Map<string, Map<string, RecordOf<'credential'>>>()
  const realms = new Map<string, RecordOf<'realm'>>()
  const domains = new Map<string, RecordOf<'domain'>>()

  function setCredential(record: RecordOf<'credential'>): void {
    const ofRealm = credentials.get(record.realm) ?? new Map<string, RecordOf<'credential'>>()
    credentials.set(record.realm, ofRealm.set(record.username, record))
  }

  function deleteCredential({ realm, username }: RecordKeyOf<'credential'>): void {
    const ofRealm = credentials.get(realm)
    ofRealm?.delete(username)
    if (ofRealm?.size === 0) credentials.delete(realm)
  }

  return {
    get(key) {
      if (key.kind === 'credential') return credentials.get(key.realm)?.get(key.username)
      return key.kind === 'realm' ? realms.get(key.realm) : domains.get(key.domain)
    },
    set(record) {
      if (record.kind === 'credential') setCredential(record)
      else if (record.kind === 'realm') realms.set(record.realm, record)
      else domains.set(record.domain, record)
    },
    delete(key) {
      if (key.kind === 'credential') deleteCredential(key)
      else if (key.kind === 'realm') realms.delete(key.realm)
      else domains.delete(key.domain)
    },
    credential: (realm, username) => credentials.get(realm)?.get(username)?.holds,
    realm: (realm) => realms.get(realm)?.holds,
    domain: (name) => domains.get(name)?.holds,
  }
}
