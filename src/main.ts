import { createAccountSweeper } from './account-sweeper.js'
import { announce } from './announcement.js'
import { createApiServer } from './api/server.js'
import { createAuditSweep } from './audit-sweep.js'
import { createChecks } from './checks.js'
import type { Config } from './config.js'
import { DOCUMENTATION } from './documentation.js'
import { createDoors, readyLine } from './doors.js'
import { followChanges } from './follow-changes.js'
import { watchHealth } from './health.js'
import type { Log } from './log.js'
import { createLookupServer } from './lookup/server.js'
import { findStrayMaster } from './master-account.js'
import { createMetrics } from './metrics.js'
import { createMemoryMirror, type MemoryMirror } from './mirror/memory-mirror.js'
import type { Mirror } from './mirror/mirror.js'
import { createRedisMirror } from './mirror/redis-mirror.js'
import { createMirrorKeeper } from './mirror-keeper.js'
import { settleMirroring } from './mirroring.js'
import { hashToken } from './provision/accounts.js'
import { createProvision } from './provision.js'
import { createRedisBindings } from './redis/bindings.js'
import type { RedisClient } from './redis/client.js'
import { createRelay } from './relay.js'
import { loadSecrets, readNonceSecretFile } from './secrets.js'
import { createMemoryBindings } from './sip/memory-bindings.js'
import { createSipServer } from './sip/server.js'
import { createDatabaseReader } from './store/credential-reader.js'
import { readDecoySecret } from './store/instance.js'
import { migrateWhenUp, openDatabase, openRedis } from './stores.js'
import { withinTime } from './time-limit.js'
import { createTruth } from './truth.js'

/** Longest time that a stop may take; what is not done then is left to the relay of the next start. */
const DRAIN_MS = 9_000

/** A running server. */
export type Running = {
  /** Takes no new work, answers what runs, closes everything. */
  stop(): Promise<void>
  /** Reads the nonce secrets again, where they are in a file. */
  reload(): void
}

/**
 * Builds the program, starts it, and prints the `ready` line and the first steps. The one place where parts meet.
 * Rejects with a `ConfigError` for ports that are taken, and as soon as it can once `stopping` is aborted, with nothing
 * left running.
 */
export async function serve(
  config: Config,
  log: Log,
  print: (text: string) => void,
  stopping: AbortSignal,
): Promise<Running> {
  const now = Date.now
  // Opened last, closed first.
  const closers: (() => unknown)[] = []
  async function closeAll(): Promise<void> {
    for (const close of closers.splice(0).reverse()) {
      try {
        await close()
      } catch (error) {
        log.warn({ err: error }, 'a part did not close cleanly')
      }
    }
  }

  try {
    const metrics = createMetrics()
    const database = await openDatabase(config, log)
    closers.push(() => database.close())
    const loaded = await loadSecrets(config)
    const { secrets } = loaded
    if (config.DATABASE_URL && loaded.kept.length > 0) {
      log.warn({ names: loaded.kept, path: loaded.path }, 'every other node on this database must be set to the same')
    }
    const migrations = await migrateWhenUp(database, log, now, stopping)
    if (migrations.length > 0) log.info({ migrations }, 'the schema is up to date')
    await settleMirroring(database.pool, config, log)
    const redis = await openRedis(config, log)
    if (redis) closers.push(() => redis.disconnect())

    const { pool, reserve } = database
    const truth = createTruth(pool)
    const { mirror, memoryMirror } = chooseMirror(redis)
    const relay = createRelay({ pool, mirror, truth, metrics, log })
    const provision = createProvision({ pool, publisher: relay, sipDomain: config.SIP_DOMAIN })
    const stray = await findStrayMaster(pool, loaded)
    if (stray) log.warn(stray)
    await provision.accounts.ensureMaster(secrets.masterAccountSid)
    const follower = await followChanges({ database, relay, memoryMirror, truth, log })
    closers.push(() => follower.close())
    relay.start()
    closers.push(() => relay.close())
    const sweep = createAuditSweep({ pool, days: config.AUDIT_RETENTION_DAYS, log })
    sweep.start()
    closers.push(() => sweep.close())
    const sweeper = createAccountSweeper({ pool, publisher: relay, mirror, log })
    sweeper.start()
    closers.push(() => sweeper.close())
    if (redis) {
      const keeper = createMirrorKeeper({ redis, truth, log, now, settle: () => settleMirroring(pool, config, log) })
      keeper.start()
      closers.push(() => keeper.close())
    }
    const health = await watchHealth({
      probes: { postgres: () => reserve.query('select 1'), ...(redis && { redis: () => redis.ping() }) },
      metrics,
      log,
    })
    closers.push(() => health.close())

    const decoySecret = await readDecoySecret(pool)
    const checks = createChecks({
      ...{ config, redis, mirror, metrics, log, now },
      database: createDatabaseReader(reserve),
      decoySecret,
      nonceSecrets: secrets.nonceSecrets,
    })
    const { authenticator, ha1Lookup } = checks

    let serving = false
    const api = await createApiServer({
      pool,
      provision,
      master: {
        sid: secrets.masterAccountSid,
        tokenHashes: secrets.masterAuthTokens.map((each) => hashToken(each.reveal())),
      },
      limits: { requestsPerSecond: config.API_RATE_LIMIT, failuresPerMinute: config.API_AUTH_FAILURES },
      trustedProxies: config.API_TRUSTED_PROXIES,
      log,
      documentation: DOCUMENTATION,
      // Of one secret, each use has a key of its own.
      instanceSecret: decoySecret,
    })
    const lookup = await createLookupServer({
      authenticator,
      ha1Lookup,
      async readiness() {
        const stores = Object.fromEntries([...health.up].map(([store, up]) => [store, up ? 'up' : 'down']))
        const isAnswering = health.up.get('postgres') === true || (await canTell(mirror))
        return { ready: serving && isAnswering, stores }
      },
      metrics,
      proxyToken: secrets.proxyToken,
      ha1Token: secrets.ha1Token,
      log,
    })
    const sip = createSipServer({
      authenticator,
      bindings: redis ? createRedisBindings({ redis, now }) : createMemoryBindings({ now }),
      nextHop: config.SIP_NEXT_HOP,
      log,
      now,
    })
    const doors = createDoors({ api, lookup, sip })
    closers.push(() => {
      serving = false
      return doors.close()
    })
    stopping.throwIfAborted()
    const bound = await doors.open(config)
    serving = true
    print(`${readyLine(bound)}\n`)
    print(announce(config, loaded, bound))

    return {
      stop: () => withinDrainTime(closeAll(), log),
      reload() {
        if (!config.NONCE_SECRET_FILE) return log.info('there is no NONCE_SECRET_FILE to read again')
        try {
          checks.rotateNonceSecrets(readNonceSecretFile(config.NONCE_SECRET_FILE))
          log.info('nonce secrets read again')
        } catch (error) {
          log.error({ err: error }, 'the nonce secrets stay as they were')
        }
      },
    }
  } catch (error) {
    await closeAll()
    throw error
  }
}

async function withinDrainTime(closing: Promise<void>, log: Log): Promise<void> {
  await withinTime(DRAIN_MS, closing).catch((error) => log.warn({ err: error }, 'not everything was closed in time'))
}

/** Whether the mirror alone can answer every check: it is there, and complete. */
async function canTell(mirror: Mirror): Promise<boolean> {
  return mirror.current && (await mirror.isComplete().catch(() => false))
}

/** One mirror for all nodes where there is Redis; else one in this process, which must be filled and kept current. */
function chooseMirror(redis: RedisClient | undefined): { mirror: Mirror; memoryMirror: MemoryMirror | undefined } {
  if (redis) return { mirror: createRedisMirror(redis), memoryMirror: undefined }
  const memoryMirror = createMemoryMirror()
  return { mirror: memoryMirror, memoryMirror }
}
