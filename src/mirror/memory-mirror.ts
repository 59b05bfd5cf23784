import { LRUCache } from 'lru-cache'
import type { Mirror, MirrorRecord, Truth } from './mirror.js'

/** Deletions remembered, so that an older change that comes late does not undo them. */
const TOMBSTONES_MAX = 10_000

/** The mirror of a process that has no Redis, filled at start and whenever it may have missed something. */
export type MemoryMirror = Mirror & {
  /** Takes everything anew; until that is done, it is not current. */
  rebuild(truth: Truth): Promise<void>
  /** Makes it current only while this says that no change can have been missed. */
  relyOn(hearing: { readonly good: boolean }): void
}

/** Keeps the same promises as the one in Redis, within this process. */
export function createMemoryMirror(): MemoryMirror {
  const records = new Map<string, MirrorRecord>()
  const tombstones = new LRUCache<string, MirrorRecord>({ max: TOMBSTONES_MAX })
  /** Nothing is in it yet. */
  let behind = true
  let filling = false
  let rebuilds = 0
  let hearing = { good: true }
  const isCurrent = () => !behind && !filling && hearing.good

  function take(record: MirrorRecord): void {
    const key = keyOf(record.realm, record.username)
    const held = records.get(key) ?? tombstones.get(key)
    if (held && BigInt(held.version) > BigInt(record.version)) return
    if (isTombstone(record)) {
      records.delete(key)
      tombstones.set(key, record)
    } else {
      tombstones.delete(key)
      records.set(key, record)
    }
  }

  return {
    shared: false,
    source: 'near',
    get current() {
      return isCurrent()
    },
    isComplete: async () => isCurrent(),
    async findHa1(realm, username, field) {
      const record = records.get(keyOf(realm, username))
      if (record?.username === undefined) return undefined
      return record.credential && { ...record.credential, ha1: record.credential.ha1s?.[field] }
    },
    async findAlgorithms(realm) {
      const record = records.get(keyOf(realm, undefined))
      return record?.username === undefined ? record?.algorithms : undefined
    },
    async apply(changes) {
      for (const record of changes) take(record)
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
      const rebuild = ++rebuilds
      records.clear()
      for await (const slice of truth.walk()) {
        // A later one has begun meanwhile, and knows of deletions that this slice may be older than.
        if (rebuild !== rebuilds) return
        for (const record of slice) take(record)
      }
      if (rebuild === rebuilds) filling = false
    },
  }
}

function isTombstone(record: MirrorRecord): boolean {
  return record.username === undefined ? record.algorithms === undefined : record.credential === undefined
}

/** A realm holds no colon, so no two keys are alike. */
function keyOf(realm: string, username: string | undefined): string {
  return username === undefined ? realm : `${realm}:${username}`
}
