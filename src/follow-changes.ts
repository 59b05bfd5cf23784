import { watchHearing } from './hearing.js'
import type { Log } from './log.js'
import type { MemoryMirror } from './mirror/memory-mirror.js'
import type { Truth } from './mirror/mirror.js'
import type { Relay } from './relay.js'
import type { Database } from './store/database.js'
import { OUTBOX_CHANNEL, parseNotification } from './store/outbox.js'

const REBUILD_RETRY_MS = 1_000

/** A node's ear for commits. */
export type Follower = { close(): Promise<void> }

/**
 * Hears of every commit, of this node's and of others'. A shared mirror wants the relay to look for what a writer left
 * over; one in memory takes each change by itself, and everything anew where it may have missed one; it is not current
 * while nothing is heard.
 */
export async function followChanges(deps: {
  readonly database: Database
  readonly relay: Relay
  readonly memoryMirror: MemoryMirror | undefined
  readonly truth: Truth
  readonly log: Log
}): Promise<Follower> {
  const { database, relay, memoryMirror, truth, log } = deps
  let timer: NodeJS.Timeout | undefined
  let closed = false
  let rebuilding: Promise<void> | undefined
  let again = false

  /** Asked for while one runs, it is done once more, however often it was asked for: that one began too early. */
  function rebuild(mirror: MemoryMirror): Promise<void> {
    if (rebuilding) {
      again = true
      mirror.setBehind(true)
    }
    rebuilding ??= fill(mirror)
    return rebuilding
  }

  async function fill(mirror: MemoryMirror): Promise<void> {
    clearTimeout(timer)
    try {
      do {
        again = false
        await mirror.rebuild(truth)
      } while (again && !closed)
    } catch (error) {
      if (closed) return
      log.warn({ err: error }, 'the mirror in memory could not be filled; the database is asked until it is')
      timer = setTimeout(() => rebuild(mirror), REBUILD_RETRY_MS)
    } finally {
      rebuilding = undefined
    }
  }

  async function follow(mirror: MemoryMirror, payload: string): Promise<void> {
    try {
      const changes = parseNotification(payload)
      if (changes) await relay.follow(changes)
      else await rebuild(mirror)
    } catch (error) {
      log.debug({ err: error }, 'a change could not be followed')
      await rebuild(mirror)
    }
  }

  const listener = await database.listen(
    OUTBOX_CHANNEL,
    (payload) => {
      relay.wake()
      if (memoryMirror) void follow(memoryMirror, payload)
    },
    () => {
      relay.wake()
      if (memoryMirror) void rebuild(memoryMirror)
    },
  )
  const hearing = watchHearing({ db: database.pool, listener })
  memoryMirror?.relyOn(hearing)
  if (memoryMirror) await rebuild(memoryMirror)
  return {
    async close() {
      closed = true
      clearTimeout(timer)
      hearing.close()
      await listener.close()
    },
  }
}
