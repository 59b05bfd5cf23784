import { type Checks, createChecks } from './checks.js'
import type { Closers } from './closers.js'
import type { Config } from './config.js'
import { type Health, watchHealth } from './health.js'
import type { Log } from './log.js'
import type { Metrics } from './metrics.js'
import { createMemoryMirror, type MemoryMirror } from './mirror/memory-mirror.js'
import type { Mirror, Truth } from './mirror/mirror.js'
import { createNearCache, type NearCache } from './mirror/near-cache.js'
import { createRedisMirror } from './mirror/redis-mirror.js'
import { createProvision, type Provision } from './provision.js'
import type { RedisClient } from './redis/client.js'
import { createInvalidations } from './redis/invalidations.js'
import { createRelay, type Relay } from './relay.js'
import type { Secret } from './secret.js'
import type { Siblings } from './siblings.js'
import { createDatabaseReader } from './store/credential-reader.js'
import type { Database } from './store/database.js'
import { createTruth } from './truth.js'

/** What every process of a node has of its own: what answers checks, takes writes, and knows how the stores are. */
export type Engine = {
  readonly mirror: Mirror
  /** The same, where it is in this process and must be filled and kept current. */
  readonly memoryMirror: MemoryMirror | undefined
  readonly truth: Truth
  /** Mirrors this process's writes; looks for what others left over once it is started. */
  readonly relay: Relay
  readonly provision: Provision
  readonly health: Health
  readonly checks: Checks
  /**
   * Whether a right password could be let in now: by the database, or by a mirror that is there and complete; and by a
   * strict replay guard, which needs Redis.
   */
  canAnswer(): Promise<boolean>
}

/** Wires it over open stores; without Redis the mirror is one in this process. */
export async function createEngine(deps: {
  readonly config: Config
  readonly database: Database
  readonly redis: RedisClient | undefined
  readonly decoySecret: string
  readonly nonceSecrets: readonly Secret[]
  /** Where the node has several processes. */
  readonly siblings?: Siblings | undefined
  readonly metrics: Metrics
  readonly log: Log
  readonly now: () => number
  readonly closers: Closers
}): Promise<Engine> {
  const { config, redis, metrics, log, closers } = deps
  const { pool, reserve } = deps.database
  if (redis) {
    metrics.unasked.inc({ store: 'redis', why: 'resting' }, 0)
    redis.on('unasked', () => metrics.unasked.inc({ store: 'redis', why: 'resting' }))
  }
  const truth = createTruth(pool)
  // Asked of Redis itself, by a clock that nobody sets: for how long what is held near counts depends on it.
  const heard =
    redis && config.NEAR_CACHE_SIZE > 0 ? createInvalidations({ redis, log, now: () => performance.now() }) : undefined
  if (heard) closers.add(() => heard.close())
  const near = heard && createNearCache({ invalidations: heard, max: config.NEAR_CACHE_SIZE })
  if (near) metrics.nearCache.show(near)
  const { mirror, memoryMirror } = chooseMirror(redis, near)
  const relay = createRelay({ pool, mirror, truth, siblings: deps.siblings, metrics, log })
  closers.add(() => relay.close())
  const provision = createProvision({ pool, publisher: relay, sipDomain: config.SIP_DOMAIN })
  const health = await watchHealth({
    probes: { postgres: () => reserve.query('select 1'), ...(redis && { redis: () => redis.ping() }) },
    isMirrorComplete: () => canTell(mirror),
    metrics,
    log,
  })
  closers.add(() => health.close())
  const checks = createChecks({ ...deps, mirror, database: createDatabaseReader(reserve), invalidations: heard })
  heard?.start()
  return {
    ...{ mirror, memoryMirror, truth, relay, provision, health, checks },
    async canAnswer() {
      if (redis && config.REPLAY_GUARD === 'strict' && health.up.get('redis') !== true) return false
      return health.up.get('postgres') === true || canTell(mirror)
    },
  }
}

/** Whether the mirror alone can answer every check: it is there, and complete. */
async function canTell(mirror: Mirror): Promise<boolean> {
  return mirror.current && (await mirror.isComplete().catch(() => false))
}

/** One mirror for all nodes where there is Redis; else one in this process, which must be filled and kept current. */
function chooseMirror(
  redis: RedisClient | undefined,
  near: NearCache | undefined,
): Pick<Engine, 'mirror' | 'memoryMirror'> {
  if (redis) return { mirror: createRedisMirror(redis, near), memoryMirror: undefined }
  const memoryMirror = createMemoryMirror()
  return { mirror: memoryMirror, memoryMirror }
}
