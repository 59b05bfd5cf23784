import { createBoundedMap } from './bounded-map.js'
import type { Invalidations } from './invalidations.js'

/** What is known of a key: `null` says that there is nothing, undefined that it must be asked for. */
export type Near<Value> = Value | null | undefined

/**
 * The place where a read puts what it finds, taken before the read: a change takes the place away, so that nobody looks
 * there any more. Undefined where nothing can be kept.
 */
export type Ticket<Value> = { readonly key: string; value: Near<Value> } | undefined

/** Bounded copies, in this process, of what lies in Redis: never older than half a second. */
export type NearKeeper<Value> = {
  /** What is held at this moment; undefined while changes are not heard of. */
  peek(key: string): Near<Value>
  /** To be called before the command that reads the key is sent. */
  begin(key: string): Ticket<Value>
  /** Keeps what was read, unless the key may have changed since `begin`. */
  keep(ticket: Ticket<Value>, value: Near<Value>): void
  /** `begin`, `ask` and `keep` in one; undefined is not kept. Rejects as `ask` does. */
  read<Answer extends Near<Value>>(key: string, ask: () => Promise<Answer>): Promise<Answer>
  /** To be called when this process has written the key: a read that began before is not kept. */
  forget(key: string): void
  forgetAll(): void
  /** Entries held, those for nothing included. */
  readonly size: number
}

/** One place of ten is for what is not there: whoever asks for names at random displaces no others than such. */
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
  type Place = NonNullable<Ticket<Value>>
  const absentMax = Math.max(2, Math.floor(max * ABSENT_SHARE))
  const present = createBoundedMap<Place>(max - absentMax)
  /** Also where a read is under way. */
  const absent = createBoundedMap<Place>(absentMax)

  const find = (key: string) => present.get(key) ?? absent.get(key)

  const keeper: NearKeeper<Value> = {
    peek: (key) => (invalidations.live ? find(key)?.value : undefined),

    begin(key) {
      if (max === 0 || !invalidations.live) return undefined
      const held = find(key)
      if (held) return held
      const place: Place = { key, value: undefined }
      absent.set(place.key, place)
      return place
    },

    keep(ticket, value) {
      if (ticket === undefined || value === undefined) return
      ticket.value = value
      if (value === null || absent.get(ticket.key) !== ticket) return
      absent.delete(ticket.key)
      present.set(ticket.key, ticket)
    },

    async read(key, ask) {
      const ticket = keeper.begin(key)
      const value = await ask()
      keeper.keep(ticket, value)
      return value
    },

    forget(key) {
      present.delete(key)
      absent.delete(key)
    },

    forgetAll() {
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
