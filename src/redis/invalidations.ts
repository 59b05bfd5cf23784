import { Cluster, type Redis } from 'ioredis'
import type { Log } from '../log.js'
import { CHANNEL, type ChangeListener, listenForChanges } from './change-listener.js'
import type { RedisClient } from './client.js'

/** How often it is looked whether there is a master that nobody listens to. */
const LOOK_MS = 100

/** Whoever holds copies of what lies in Redis. */
export type Holder = {
  /** The key was written, deleted, or has expired. */
  forget(key: string): void
  /** Any key may have changed. */
  forgetAll(): void
}

/** Redis's own word on what has changed, whoever changed it. */
export type Invalidations = {
  /**
   * Whether a copy may be used at this moment: every change that is older than half a second has been told to the
   * holders, on every master.
   */
  readonly live: boolean
  /** How many times it went deaf, and everything was dropped. */
  readonly losses: number
  /** Tells the holder of all keys that begin so, from `start` on. No prefix may begin with another one. */
  follow(prefix: string, holder: Holder): void
  start(): void
  close(): void
}

/**
 * Listens to the server that `redis` is connected to, or to each master of a cluster, and listens anew whenever one is
 * lost or comes. While any of them is not heard, it is not live, and the holders are told to forget everything. `now` is
 * in ms and never goes back.
 */
export function createInvalidations(deps: {
  readonly redis: RedisClient
  readonly log: Log
  readonly now: () => number
}): Invalidations {
  const { redis, log, now } = deps
  const followed: { readonly prefix: string; readonly holder: Holder }[] = []
  const listeners = new Map<Redis, ChangeListener>()
  let freshUntilMs = 0
  let losses = 0
  /** Whether it has been told that Redis does not let this user listen, since it last did. */
  let told = false
  let timer: NodeJS.Timeout | undefined

  const hearer = {
    onChange(key: string) {
      for (const { prefix, holder } of followed) if (key.startsWith(prefix)) holder.forget(key)
    },
    onFlush() {
      for (const { holder } of followed) holder.forgetAll()
    },
    onLoss() {
      if (freshUntilMs !== 0) losses++
      freshUntilMs = 0
      hearer.onFlush()
    },
    onRefusal(error: Error) {
      if (told) return
      told = true
      const missing = missingRight(error.message)
      log.warn({ missing, err: error }, 'nothing of Redis is held near: the user of REDIS_URL may not hear of changes')
    },
    onFresh() {
      const all = [...listeners.values()].map((listener) => listener.freshUntilMs)
      freshUntilMs = all.length === 0 ? 0 : Math.min(...all)
      if (freshUntilMs !== 0) told = false
    },
  }

  /** Whoever comes or goes may have taken keys along, or away from one that is heard. */
  function look(): void {
    const masters = new Set(redis instanceof Cluster ? redis.nodes('master') : [redis])
    const gone = [...listeners].filter(([server]) => !masters.has(server))
    const come = [...masters].filter((server) => !listeners.has(server))
    if (gone.length === 0 && come.length === 0) return
    hearer.onLoss()
    for (const [server, listener] of gone) {
      listeners.delete(server)
      listener.close()
    }
    const prefixes = followed.map(({ prefix }) => prefix)
    for (const server of come) listeners.set(server, listenForChanges({ server, prefixes, hearer, log, now }))
    hearer.onFresh()
  }

  return {
    get live() {
      return freshUntilMs !== 0 && now() < freshUntilMs
    },
    get losses() {
      return losses
    },
    follow(prefix, holder) {
      followed.push({ prefix, holder })
    },
    start() {
      look()
      if (!(redis instanceof Cluster)) return
      for (const event of ['+node', '-node', 'refresh']) redis.on(event, look)
      // A node's role may change without an event.
      timer = setInterval(look, LOOK_MS).unref()
    },
    close() {
      clearInterval(timer)
      for (const event of ['+node', '-node', 'refresh']) redis.off(event, look)
      for (const listener of listeners.values()) listener.close()
      listeners.clear()
      hearer.onLoss()
    },
  }
}

/** What an ACL must give the user, as ACL SETUSER takes it. Where Redis does not say which, all that listening takes. */
function missingRight(message: string): string {
  if (/channel/.test(message)) return `&${CHANNEL}`
  const [, command] = /'([\w|]+)' (?:sub)?command/.exec(message) ?? []
  return command ? `+${command}` : `&${CHANNEL} +client|id +client|tracking +subscribe +ping +info`
}
