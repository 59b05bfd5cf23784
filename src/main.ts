import { announce } from './announcement.js'
import { createClosers } from './closers.js'
import type { Config } from './config.js'
import { createDoors, readyLine } from './doors.js'
import { closeInTime } from './drain.js'
import { createEngine } from './engine.js'
import { buildHttpDoor } from './http-door.js'
import type { Log } from './log.js'
import { findStrayMaster } from './master-account.js'
import { createMetrics } from './metrics.js'
import { settleMirroring } from './mirroring.js'
import { createNonceRotation, signingDelayMs } from './nonce-rotation.js'
import { createRedisBindings } from './redis/bindings.js'
import { loadSecrets, readNonceSecretFile } from './secrets.js'
import { createMemoryBindings } from './sip/memory-bindings.js'
import { createSipServer } from './sip/server.js'
import { readDecoySecret } from './store/instance.js'
import { migrateWhenUp, openDatabase, openRedis } from './stores.js'
import { startUpkeep } from './upkeep.js'
import { packBoot } from './workers/boot.js'
import { createWorkers, type Workers } from './workers/workers.js'

/** A running server. */
export type Running = {
  /** Says at `/readyz` that it is about to stop; everything else goes on as before. */
  beUnready(): void
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
    /** Set once it is known what they begin with; nothing is told before they serve. */
    let workers: Workers | undefined
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
      siblings: { tellNews: async (news) => workers?.tellNews(news) },
    })
    await engine.provision.accounts.ensureMaster(secrets.masterAccountSid)
    await startUpkeep({ config, database, redis, engine, log, now, closers })

    const boot = packBoot(secrets, decoySecret)
    const { relay } = engine
    workers = config.WORKERS > 1 ? createWorkers({ config, boot, relay, metrics, stopping, log }) : undefined
    const http = workers ?? (await buildHttpDoor({ config, database, engine, secrets, decoySecret, metrics, log }))
    const sip = createSipServer({
      authenticator: engine.checks.authenticator,
      bindings: redis ? createRedisBindings({ redis, now }) : createMemoryBindings({ now }),
      nextHop: config.SIP_NEXT_HOP,
      metrics,
      log,
      now,
    })
    const rotation = createNonceRotation({
      secrets: nonceSecrets,
      delayMs: signingDelayMs(config),
      apply(changed) {
        engine.checks.rotateNonceSecrets(changed)
        workers?.rotateNonceSecrets(changed)
      },
      log,
      now: () => performance.now(),
    })
    closers.add(() => rotation.close())
    const doors = createDoors({ http, sip })
    closers.add(() => doors.close())
    stopping.throwIfAborted()
    const bound = await doors.open(config)
    print(`${readyLine(bound)}\n`)
    print(announce(config, loaded, bound))

    return {
      beUnready: () => http.beUnready(),
      stop: () => closeInTime(closers, log),
      reload() {
        if (!config.NONCE_SECRET_FILE) return log.info('there is no NONCE_SECRET_FILE to read again')
        try {
          rotation.take(readNonceSecretFile(config.NONCE_SECRET_FILE))
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
