import { announce } from './announcement.js'
import { createClosers } from './closers.js'
import type { Config } from './config.js'
import { createDoors, createHttpDoor, readyLine } from './doors.js'
import { createEngine } from './engine.js'
import { createHttpServers } from './http-servers.js'
import type { Log } from './log.js'
import { findStrayMaster } from './master-account.js'
import { createMetrics } from './metrics.js'
import { settleMirroring } from './mirroring.js'
import { createRedisBindings } from './redis/bindings.js'
import { loadSecrets, readNonceSecretFile } from './secrets.js'
import { createMemoryBindings } from './sip/memory-bindings.js'
import { createSipServer } from './sip/server.js'
import { readDecoySecret } from './store/instance.js'
import { migrateWhenUp, openDatabase, openRedis } from './stores.js'
import { withinTime } from './time-limit.js'
import { startUpkeep } from './upkeep.js'

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
  const closers = createClosers(log)
  try {
    const metrics = createMetrics()
    const database = await openDatabase(config, log)
    closers.add(() => database.close())
    const { pool } = database
    const loaded = await loadSecrets(config)
    const { secrets } = loaded
    if (config.DATABASE_URL && loaded.kept.length > 0) {
      log.warn({ names: loaded.kept, path: loaded.path }, 'every other node on this database must be set to the same')
    }
    const migrations = await migrateWhenUp(database, log, now, stopping)
    if (migrations.length > 0) log.info({ migrations }, 'the schema is up to date')
    await settleMirroring(pool, config, log)
    const stray = await findStrayMaster(pool, loaded)
    if (stray) log.warn(stray)
    const redis = await openRedis(config, log)
    if (redis) closers.add(() => redis.disconnect())

    const decoySecret = await readDecoySecret(pool)
    const { nonceSecrets } = secrets
    const engine = await createEngine({
      config,
      database,
      redis,
      decoySecret,
      nonceSecrets,
      metrics,
      log,
      now,
      closers,
    })
    await engine.provision.accounts.ensureMaster(secrets.masterAccountSid)
    await startUpkeep({ config, database, redis, engine, log, now, closers })

    let serving = false
    const isServing = () => serving
    const http = await createHttpServers({ config, database, engine, secrets, decoySecret, metrics, isServing, log })
    const sip = createSipServer({
      authenticator: engine.checks.authenticator,
      bindings: redis ? createRedisBindings({ redis, now }) : createMemoryBindings({ now }),
      nextHop: config.SIP_NEXT_HOP,
      log,
      now,
    })
    const doors = createDoors({ http: createHttpDoor(http), sip })
    closers.add(() => {
      serving = false
      return doors.close()
    })
    stopping.throwIfAborted()
    const bound = await doors.open(config)
    serving = true
    print(`${readyLine(bound)}\n`)
    print(announce(config, loaded, bound))

    return {
      stop: () => withinDrainTime(closers.closeAll(), log),
      reload() {
        if (!config.NONCE_SECRET_FILE) return log.info('there is no NONCE_SECRET_FILE to read again')
        try {
          engine.checks.rotateNonceSecrets(readNonceSecretFile(config.NONCE_SECRET_FILE))
          log.info('nonce secrets read again')
        } catch (error) {
          log.error({ err: error }, 'the nonce secrets stay as they were')
        }
      },
    }
  } catch (error) {
    await closers.closeAll()
    throw error
  }
}

async function withinDrainTime(closing: Promise<void>, log: Log): Promise<void> {
  await withinTime(DRAIN_MS, closing).catch((error) => log.warn({ err: error }, 'not everything was closed in time'))
}
