import { createClosers } from './closers.js'
import type { Config } from './config.js'
import { closeInTime } from './drain.js'
import { createEngine } from './engine.js'
import { buildHttpDoor } from './http-door.js'
import type { Log } from './log.js'
import { createMetrics } from './metrics.js'
import { openDatabase, openRedis } from './stores.js'
import { toSecrets, unpackBoot } from './workers/boot.js'
import type { PrimaryLink } from './workers/primary-link.js'

/**
 * Serves the HTTP doors as one of several processes. What a node does once is the primary's, and so is whatever would
 * need PostgreSQL to begin with: a worker can be started anew while that is away. Rejects as soon as it can once
 * `stopping` is aborted, with nothing left running.
 */
export async function serveForPrimary(
  config: Config,
  log: Log,
  link: PrimaryLink,
  stopping: AbortSignal,
): Promise<{ stop(): Promise<void> }> {
  const now = Date.now
  const closers = createClosers(log)
  try {
    const { secrets, decoySecret } = unpackBoot(await link.boot)
    const { nonceSecrets } = secrets
    const metrics = createMetrics()
    const database = await openDatabase(config, log)
    closers.add(() => database.close())
    const redis = await openRedis(config, log)
    if (redis) closers.add(() => redis.disconnect())
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
      siblings: link,
    })
    link.followNews(engine.relay.hear)
    link.followNonceSecrets((changed) => engine.checks.rotateNonceSecrets(toSecrets(changed)))
    link.answerMeasures(() => metrics.registry.getMetricsAsJSON())

    const { scrape } = link
    const door = await buildHttpDoor({ config, database, engine, secrets, decoySecret, metrics, scrape, log })
    closers.add(() => {
      link.leave()
      return door.close()
    })
    link.followUnready(() => door.beUnready())
    const take = await door.adopt()
    stopping.throwIfAborted()
    link.serve(take)
    return { stop: () => closeInTime(closers, log) }
  } catch (error) {
    await closers.closeAll()
    throw error
  }
}
