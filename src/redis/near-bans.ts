import type { Ban } from '../auth/failure-record.js'
import type { Log } from '../log.js'
import { listBans, subjectOfKey } from './ban-list.js'
import type { RedisClient } from './client.js'
import { BAN_PREFIX, banKey, parseBan } from './failure-record.js'
import type { Invalidations } from './invalidations.js'

/** So many bans are held at most; where there are more, Redis is asked for each. */
const BANS_MAX = 100_000
/** How long Redis is left alone after the bans could not be read, or were too many. */
const REST_MS = { failed: 1_000, tooMany: 60_000 } as const

/** Every ban that runs, in this process: so that "no ban" is known of everybody without a word to Redis. */
export type NearBans = {
  /** Whether it is known that nobody is banned. */
  readonly isEmpty: boolean
  /** A subject's ban, which may have ended; `null`: none; undefined while that is not known here. */
  peek(subject: string): Ban | null | undefined
  /** A ban that this process has just written. */
  put(subject: string, ban: Ban): void
}

/**
 * A copy of all bans: they are few, and most checks meet none. It is read whole, in slices, when it is first asked for
 * and whenever changes were not heard of for a while; from then on Redis tells which ban has changed, and that one is
 * not known until it was read again. Must be made before the invalidations are started. `now` is in ms.
 */
export function createNearBans(deps: {
  readonly redis: RedisClient
  readonly invalidations: Invalidations
  readonly log: Log
  readonly now: () => number
}): NearBans {
  const { redis, invalidations, log, now } = deps
  const bans = new Map<string, Ban>()
  /** Subjects whose ban has changed, with the last reading of it. */
  const changed = new Map<string, { isDone: boolean }>()
  let isComplete = false
  /** The load that is under way; what began before everything was dropped counts for nothing. */
  let loading: object | undefined
  let restUntilMs = 0

  function forgetAll(): void {
    isComplete = false
    loading = undefined
    bans.clear()
    changed.clear()
  }

  function giveUp(why: keyof typeof REST_MS, error?: unknown): void {
    log.debug({ err: error, why }, 'no bans are held near')
    forgetAll()
    restUntilMs = now() + REST_MS[why]
  }

  function put(subject: string, ban: Ban): void {
    bans.set(subject, ban)
    if (bans.size > BANS_MAX) giveUp('tooMany')
  }

  async function load(): Promise<void> {
    const mine = {}
    loading = mine
    try {
      for await (const { subject, ban } of listBans(redis)) {
        if (loading !== mine) return
        // What has changed meanwhile is read by itself; the list may be older.
        if (!changed.has(subject)) put(subject, ban)
      }
      if (loading !== mine) return
      loading = undefined
      isComplete = true
      for (const [subject, { isDone }] of changed) if (isDone) changed.delete(subject)
    } catch (error) {
      if (loading === mine) giveUp('failed', error)
    }
  }

  async function readAgain(subject: string): Promise<void> {
    const mine = { isDone: false }
    changed.set(subject, mine)
    try {
      const ban = parseBan(await redis.get(banKey(subject)))
      if (changed.get(subject) !== mine) return
      mine.isDone = true
      if (isComplete) changed.delete(subject)
      bans.delete(subject)
      if (ban) put(subject, ban)
    } catch (error) {
      if (changed.get(subject) === mine) giveUp('failed', error)
    }
  }

  invalidations.follow(BAN_PREFIX, {
    forgetAll,
    forget(key) {
      const subject = subjectOfKey(key)
      if (subject !== undefined && (isComplete || loading)) void readAgain(subject)
    },
  })

  return {
    get isEmpty() {
      return bans.size === 0 && changed.size === 0 && isComplete && invalidations.live
    },
    put(subject, ban) {
      if (isComplete) put(subject, ban)
    },
    peek(subject) {
      if (!invalidations.live) return undefined
      if (isComplete) return changed.size > 0 && changed.has(subject) ? undefined : (bans.get(subject) ?? null)
      if (!loading && now() >= restUntilMs) void load()
      return undefined
    },
  }
}
