import { LRUCache } from 'lru-cache'
import type { Ha1Record } from '../auth/credential-source.js'
import type { Ha1Field } from '../credential.js'
import { nameKey, type RecordKeyOf, type RecordKind } from '../record-key.js'
import type { Mirror, MirrorRecord, Truth } from './mirror.js'

/** Deletions remembered, so that an older change that comes late does not undo them. */
const TOMBSTONES_MAX = 10_000

/** What a record of that kind holds. */
type Held<Kind extends RecordKind> = NonNullable<Extract<MirrorRecord, { readonly kind: Kind }>['holds']>

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
  let records = new Map<string, MirrorRecord>()
  /** What takes their place when it is whole. */
  let filled: Map<string, MirrorRecord> | undefined
  const tombstones = new LRUCache<string, MirrorRecord>({ max: TOMBSTONES_MAX })
  /** Nothing is in it yet. */
  let behind = true
  let filling = false
  let hearing = { good: true }
  const isCurrent = () => !behind && !filling && hearing.good

  function take(into: Map<string, MirrorRecord>, record: MirrorRecord): void {
    const key = nameKey(record)
    const held = into.get(key) ?? tombstones.get(key)
    if (held && BigInt(held.version) > BigInt(record.version)) return
    if (record.holds === undefined) {
      into.delete(key)
      tombstones.set(key, record)
    } else {
      tombstones.delete(key)
      into.set(key, record)
    }
  }

  function find<Kind extends RecordKind>(key: RecordKeyOf<Kind>): Held<Kind> | undefined {
    return records.get(nameKey(key))?.holds as Held<Kind> | undefined
  }

  const findRealm = (realm: string) => find<'realm'>({ kind: 'realm', realm })
  const findDomain = (domain: string) => find<'domain'>({ kind: 'domain', domain })

  function findHa1(realm: string, username: string, field: Ha1Field): Ha1Record | undefined {
    const credential = find<'credential'>({ kind: 'credential', realm, username })
    if (!credential) return undefined
    // Nobody else reads it, so it holds the HA1s whatever the account's status is.
    const ha1s = findRealm(realm)?.active === false ? undefined : credential.ha1s
    return { ...credential, usable: ha1s !== undefined, ha1: ha1s?.[field] }
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
      peekRealm: (realm) => findRealm(realm) ?? null,
      peekDomain: (name) => findDomain(name) ?? null,
    },
    findHa1: async (...key) => findHa1(...key),
    findRealm: async (realm) => findRealm(realm),
    findDomain: async (name) => findDomain(name),
    async apply(changes) {
      for (const record of changes) {
        take(records, record)
        if (filled) take(filled, record)
      }
    },
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
      const mine = new Map<string, MirrorRecord>()
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
