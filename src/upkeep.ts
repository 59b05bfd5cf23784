import { createAccountSweeper } from './account-sweeper.js'
import { createAuditSweep } from './audit-sweep.js'
import type { Closers } from './closers.js'
import type { Config } from './config.js'
import type { Engine } from './engine.js'
import { followChanges } from './follow-changes.js'
import type { Log } from './log.js'
import { createMirrorKeeper } from './mirror-keeper.js'
import { settleMirroring } from './mirroring.js'
import type { RedisClient } from './redis/client.js'
import type { Database } from './store/database.js'

/** Starts what each node does once, however many processes it has: following commits, mirroring left-overs, sweeping. */
export async function startUpkeep(deps: {
  readonly config: Config
  readonly database: Database
  readonly redis: RedisClient | undefined
  readonly engine: Engine
  readonly log: Log
  readonly now: () => number
  readonly closers: Closers
}): Promise<void> {
  const { config, database, redis, engine, log, now, closers } = deps
  const { pool } = database
  const { relay, mirror, truth } = engine
  const follower = await followChanges({ database, relay, memoryMirror: engine.memoryMirror, truth, log })
  closers.add(() => follower.close())
  relay.start()
  const sweep = createAuditSweep({ pool, days: config.AUDIT_RETENTION_DAYS, log })
  sweep.start()
  closers.add(() => sweep.close())
  const sweeper = createAccountSweeper({ pool, publisher: relay, mirror, log })
  sweeper.start()
  closers.add(() => sweeper.close())
  if (redis) {
    const keeper = createMirrorKeeper({ redis, truth, log, now, settle: () => settleMirroring(pool, config, log) })
    keeper.start()
    closers.add(() => keeper.close())
  }
}
