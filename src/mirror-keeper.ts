import { createRareWarning, OUTAGE_QUIET_MS } from './auth/rare-warning.js'
import type { Log } from './log.js'
import { readEviction } from './mirror/eviction.js'
import { readMarker } from './mirror/marker.js'
import type { Truth } from './mirror/mirror.js'
import { type Progress, rebuildMirror } from './mirror/rebuild.js'
import type { RedisClient } from './redis/client.js'

const CHECK_MS = 1_000
const PROGRESS_MS = 2_000

/** Watches the mirror's marker and rebuilds the mirror where it is missing. */
export type MirrorKeeper = {
  start(): void
  close(): Promise<void>
}

export function createMirrorKeeper(deps: {
  readonly redis: RedisClient
  readonly truth: Truth
  readonly log: Log
  readonly now: () => number
  /** Done before each rebuild: the database is to know that Redis mirrors it. */
  readonly settle: () => Promise<void>
}): MirrorKeeper {
  const { redis, truth, log, now, settle } = deps
  const text = 'the mirror in Redis could not be checked or rebuilt; trying again'
  const warn = createRareWarning({ text, log, now, quietMs: OUTAGE_QUIET_MS })
  /** A process that is busy with its own start, and has not read what Redis answered, is no fault yet. */
  let failures = 0
  let timer: NodeJS.Timeout | undefined
  let check: Promise<void> | undefined
  let closed = false
  let eviction: string | undefined

  async function warnOfEviction(): Promise<void> {
    const policy = await readEviction(redis)
    if (policy !== eviction && policy !== undefined) {
      log.warn({ policy }, 'Redis may drop records when its memory is full: set maxmemory-policy noeviction')
    }
    eviction = policy
  }

  async function runCheck(): Promise<void> {
    try {
      if (redis.status === 'ready') await warnOfEviction()
      const state = redis.status === 'ready' ? await readMarker(redis) : 'complete'
      if (state !== 'complete' && !closed) {
        log.info({ marker: state }, 'the mirror in Redis is not complete')
        await settle()
        const logProgress = createProgressLog(deps)
        const done = await rebuildMirror({
          redis,
          truth,
          onProgress(progress) {
            if (closed) throw new Error('the process is stopping; the next one begins anew')
            logProgress(progress)
          },
        })
        if (done) log.info(done, 'the mirror in Redis is rebuilt')
      }
      failures = 0
    } catch (error) {
      if (++failures === 1) log.debug({ err: error }, text)
      else warn(error)
    }
    check = undefined
    schedule()
  }

  function schedule(): void {
    if (closed) return
    timer = setTimeout(() => {
      check = runCheck()
    }, CHECK_MS)
  }

  return {
    start() {
      check = runCheck()
    },
    async close() {
      closed = true
      clearTimeout(timer)
      await check
    },
  }
}

/** Logs a rebuild's progress every few seconds. */
export function createProgressLog({ log, now }: { readonly log: Log; readonly now: () => number }) {
  let last = now()
  return (progress: Progress) => {
    if (now() - last < PROGRESS_MS) return
    last = now()
    log.info(progress, 'rebuilding the mirror in Redis')
  }
}
