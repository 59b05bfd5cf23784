import { LRUCache } from 'lru-cache'
import type { Invalidations } from './invalidations.js'

/** What is known of a key: `null` says that there is nothing, undefined that it must be asked for. */
export type Near<Value> = Value | null | undefined

/** Taken before a read, so that one that a change overtook is told from others; undefined where nothing can be kept. */
export type Ticket = { readonly key: string } | undefined

/** Bounded copies, in this process, of what lies in Redis: never older than half a second. */
export type NearKeeper<Value> = {
  /** What is held at this moment; undefined while changes are not heard of. */
  peek(key: string): Near<Value>
  /** To be called before the command that reads the key is sent. */
  begin(key: string): Ticket
  /** Keeps what was read, unless the key may have changed since `begin`; undefined where nothing could be read. */
  keep(ticket: Ticket, value: Near<Value>): void
  /** `begin`, `ask` and `keep` in one; undefined is not kept. Rejects as `ask` does. */
  read<Answer extends Near<Value>>(key: string, ask: () => Promise<Answer>): Promise<Answer>
  /** To be called when this process has written the key: a read that began before is not kept. */
  forget(key: string): void
  forgetAll(): void
  /** Entries held, those for nothing included. */
  readonly size: number
}

/** One entry of ten may say that there is nothing: whoever asks for names at random displaces no others than such. */
const ABSENT_SHARE = 0.1

/**
 * Keeps copies of the keys that begin with one of the prefixes; those unused for longest go first. `max` is the number
 * of entries; where it is 0 nothing is kept. Must be made before the invalidations are started.
 */
export function createNearKeeper<Value extends NonNullable<unknown>>(deps: {
  readonly invalidations: Invalidations
  readonly prefixes: readonly string[]
  readonly max: number
}): NearKeeper<Value> {
  const { invalidations, prefixes, max } = deps
  const absentMax = Math.max(1, Math.floor(max * ABSENT_SHARE))
  const present = new LRUCache<string, Value>({ max: Math.max(1, max - absentMax) })
  const absent = new LRUCache<string, true>({ max: absentMax })
  /** Reads under way that nothing has overtaken, by key; those of one key have one ticket. */
  const reads = new Map<string, NonNullable<Ticket>>()

  const keeper: NearKeeper<Value> = {
    peek(key) {
      if (!invalidations.live) return undefined
      return present.get(key) ?? (absent.get(key) ? null : undefined)
    },

    begin(key) {
      if (max === 0 || !invalidations.live) return undefined
      const under = reads.get(key)
      if (under) return under
      const ticket = { key: flatten(key) }
      reads.set(ticket.key, ticket)
      return ticket
    },

    keep(ticket, value) {
      if (ticket === undefined || reads.get(ticket.key) !== ticket) return
      reads.delete(ticket.key)
      if (value === null) {
        present.delete(ticket.key)
        absent.set(ticket.key, true)
      } else if (value !== undefined) {
        absent.delete(ticket.key)
        present.set(ticket.key, value)
      }
    },

    async read(key, ask) {
      const ticket = keeper.begin(key)
      let value: Awaited<ReturnType<typeof ask>> | undefined
      try {
        value = await ask()
        return value
      } finally {
        keeper.keep(ticket, value)
      }
    },

    forget(key) {
      reads.delete(key)
      present.delete(key)
      absent.delete(key)
    },

    forgetAll() {
      reads.clear()
      present.clear()
      absent.clear()
    },

    get size() {
      return present.size + absent.size
    },
  }
  for (const prefix of prefixes) invalidations.follow(prefix, keeper)
  return keeper
}

/** A copy of its own: what was cut out of a message would keep the whole message alive. */
function flatten(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1')
}
