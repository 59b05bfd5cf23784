import { LRUCache } from 'lru-cache'
import type { Ha1Record } from '../auth/credential-source.js'
import type { CredentialIdentity, Ha1Field, StoredHa1s } from '../credential.js'
import { nameKey } from '../record-key.js'
import { createMemoryRecords, type MemoryRecords } from './memory-records.js'
import type { Mirror, MirrorRecord, Truth } from './mirror.js'

/** Deletions remembered, so that an older change that comes late does not undo them. */
const TOMBSTONES_MAX = 10_000

/** The mirror of a process that has no Redis, filled at start and whenever it may have missed something. */
export type MemoryMirror = Mirror & {
  /**
   * Takes everything anew; until that is done, it is not current, and holds what it held and the changes that arrive.
   */
  rebuild(truth: Truth): Promise<void>
  /** Makes it current only while this says that no change can have been missed. */
  relyOn(hearing: { readonly good: boolean }): void
}

/** Keeps the same promises as the one in Redis, within this process. */
export function createMemoryMirror(): MemoryMirror {
  let records = createMemoryRecords()
  /** What takes their place when it is whole. */
  let filled: MemoryRecords | undefined
  const tombstones = new LRUCache<string, MirrorRecord>({ max: TOMBSTONES_MAX })
  /** Nothing is in it yet. */
  let behind = true
  let filling = false
  let hearing = { good: true }
  const isCurrent = () => !behind && !filling && hearing.good

  function take(into: MemoryRecords, record: MirrorRecord): void {
    const key = nameKey(record)
    const held = into.get(record) ?? tombstones.get(key)
    if (held && BigInt(held.version) > BigInt(record.version)) return
    if (record.holds === undefined) {
      into.delete(record)
      tombstones.set(key, record)
    } else {
      tombstones.delete(key)
      into.set(record)
    }
  }

  function findHa1(realm: string, username: string, field: Ha1Field): Ha1Record | undefined {
    const held = records.credential(realm, username)
    if (!held) return undefined
    // Nobody else reads it, so it holds the HA1s whatever the account's status is.
    const ha1s = records.realm(realm)?.active === false ? undefined : held.ha1s
    return toHa1Record(held, ha1s, field)
  }

  return {
    shared: false,
    source: 'near',
    get current() {
      return isCurrent()
    },
    isComplete: async () => isCurrent(),
    near: {
      peekHa1: (...key) => findHa1(...key) ?? null,
      peekRealm: (realm) => records.realm(realm) ?? null,
      peekDomain: (name) => records.domain(name) ?? null,
    },
    findHa1: async (...key) => findHa1(...key),
    findRealm: async (realm) => records.realm(realm),
    findDomain: async (name) => records.domain(name),
    async apply(changes) {
      for (const record of changes) {
        take(records, record)
        if (filled) take(filled, record)
      }
    },
    // It holds nothing besides.
    forget: () => undefined,
    setBehind(value) {
      behind = value
    },
    relyOn(source) {
      hearing = source
    },
    async rebuild(truth) {
      // What is committed by now will be in it; what fails to arrive from now on is said again.
      behind = false
      filling = true
      const mine = createMemoryRecords()
      filled = mine
      for await (const slice of truth.walk()) {
        // A later one has begun meanwhile, and knows of deletions that this slice may be older than.
        if (filled !== mine) return
        for (const record of slice) take(mine, record)
        // The embedded database answers without ever going back to the event loop.
        await new Promise((resolve) => setImmediate(resolve))
      }
      if (filled !== mine) return
      records = mine
      filled = undefined
      filling = false
    },
  }
}

/** Written out: a copy by spreading costs as much as a digest. */
function toHa1Record(identity: CredentialIdentity, ha1s: StoredHa1s | undefined, field: Ha1Field): Ha1Record {
  const { username, realm, accountSid, credentialListSid, credentialSid } = identity
  const usable = ha1s !== undefined
  return { username, realm, accountSid, credentialListSid, credentialSid, usable, ha1: ha1s?.[field] }
}
