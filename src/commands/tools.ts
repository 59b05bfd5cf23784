import type pg from 'pg'
import { type AccountSweeper, createAccountSweeper } from '../account-sweeper.js'
import { ConfigError } from '../config.js'
import type { Log } from '../log.js'
import { findStrayMaster } from '../master-account.js'
import { createMetrics } from '../metrics.js'
import { createRedisMirror } from '../mirror/redis-mirror.js'
import { settleMirroring } from '../mirroring.js'
import { createProvision, type Provision } from '../provision.js'
import type { RedisClient } from '../redis/client.js'
import { createRelay, type Relay } from '../relay.js'
import { type LoadedSecrets, loadSecrets } from '../secrets.js'
import type { Database } from '../store/database.js'
import { migrateWhenUp, openDatabase, openRedis } from '../stores.js'
import { createTruth } from '../truth.js'
import type { CommandContext } from './command.js'

/** What a command that writes works with. */
export type Tools = Pick<CommandContext, 'print' | 'log'> & {
  readonly database: Database
  readonly provision: Provision
  readonly masterSid: string
  readonly loaded: LoadedSecrets
  /** Publishes this command's own changes; undefined without Redis, where the outbox keeps them for the servers. */
  readonly relay: Relay | undefined
  /** Brings the credentials of accounts after their status; undefined without Redis likewise. */
  readonly sweeper: AccountSweeper | undefined
}

/** Opens the stores that the configuration names, brings the schema up to date, does the work, and closes them. */
export async function withTools(context: CommandContext, work: (tools: Tools) => Promise<number>): Promise<number> {
  const { config, log, print } = context
  const database = await openDatabase(config, log)
  let redis: RedisClient | undefined
  let relay: Relay | undefined
  try {
    const loaded = await loadSecrets(config)
    const { secrets, generated, path } = loaded
    if (generated.length > 0) log.info({ path, names: generated.map(({ name }) => name) }, 'secrets generated and kept')
    await migrateWhenUp(database, log, Date.now)
    // Without Redis a command takes nothing out of the outbox, so it need not be refused.
    if (config.REDIS_URL) await settleMirroring(database.pool, config, log)
    redis = await openRedis(config, log)
    const { pool } = database
    const publishing = redis && createPublishing(pool, redis, log)
    relay = publishing?.relay
    const publisher = relay ?? { publish: async () => {} }
    const provision = createProvision({ pool, publisher, sipDomain: config.SIP_DOMAIN })
    // A command would do its work below a master that nobody has ever seen, and seem to have lost everything.
    const stray = await findStrayMaster(pool, loaded)
    if (stray) throw new ConfigError([stray])
    await provision.accounts.ensureMaster(secrets.masterAccountSid)
    const masterSid = secrets.masterAccountSid
    return await work({ print, log, database, provision, relay, sweeper: publishing?.sweeper, loaded, masterSid })
  } finally {
    // What could not be mirrored would else be tried again, without the database.
    await relay?.close()
    redis?.disconnect()
    await database.close()
  }
}

/** Neither is started, so that they take nobody else's changes unless the command wants them to. */
function createPublishing(pool: pg.Pool, redis: RedisClient, log: Log) {
  const mirror = createRedisMirror(redis)
  const relay = createRelay({ pool, mirror, truth: createTruth(pool), metrics: createMetrics(), log })
  return { relay, sweeper: createAccountSweeper({ pool, publisher: relay, mirror, log }) }
}
