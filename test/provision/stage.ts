import { pino } from 'pino'
import { createMetrics, type Metrics } from '../../src/metrics.js'
import { createMemoryMirror } from '../../src/mirror/memory-mirror.js'
import type { Mirror } from '../../src/mirror/mirror.js'
import { createRedisMirror } from '../../src/mirror/redis-mirror.js'
import type { Publisher } from '../../src/provision/publisher.js'
import { createProvision, type Provision } from '../../src/provision.js'
import { connectRedis, type RedisClient } from '../../src/redis/client.js'
import { createRelay, type Relay } from '../../src/relay.js'
import { createSid } from '../../src/sid.js'
import type { Database } from '../../src/store/database.js'
import { openEmbedded } from '../../src/store/embedded.js'
import { migrate } from '../../src/store/migrate.js'
import type { Change } from '../../src/store/outbox.js'
import { openPostgres } from '../../src/store/postgres.js'
import { createTruth } from '../../src/truth.js'
import { embeddedFolder } from '../fixtures/embedded-folder.js'
import type { Owner } from '../fixtures/process.js'
import { until } from '../fixtures/until.js'

export const SILENT = pino({ level: 'silent' })
export const PASSWORD = 'Correct-horse-1'

/** Opens a database with the schema in it: the one of the URL, or an embedded one. */
export async function openStore(t: Owner, url?: string): Promise<Database> {
  const database = url === undefined ? await openEmbedded(await embeddedFolder(), SILENT) : openPostgres(url, SILENT)
  t.teardown(() => database.close())
  await migrate(database, SILENT)
  return database
}

/** Connects to Redis and waits until it answers. */
export async function openRedis(t: Owner, url: string): Promise<RedisClient> {
  const redis = connectRedis(url, SILENT)
  redis.setMaxListeners(100) // each stage of a file listens to it
  t.teardown(() => redis.disconnect())
  await until(() => redis.status === 'ready')
  return redis
}

/** The inside of one node: everything between a write and the mirror. */
export type Stage = {
  readonly database: Database
  readonly mirror: Mirror
  readonly relay: Relay
  readonly metrics: Metrics
  readonly provision: Provision
  /** A fresh account with one list. */
  readonly accountSid: string
  readonly listSid: string
  readonly realm: string
  /** Every change that was published, in order. */
  readonly published: Change[]
  readonly publisher: Publisher
  /** While set, a write is committed and then left to the relay, as if the process had died. */
  leaveToRelay: boolean
  createUser(username: string, password?: string): Promise<{ sid: string }>
  pending(): Promise<number>
}

/** Builds a node's inside over a database and a Redis, or over a mirror of its own without. */
export async function createStage(t: Owner, database: Database, redis?: RedisClient): Promise<Stage> {
  const { pool } = database
  const mirror = redis ? createRedisMirror(redis) : createMemoryMirror()
  const metrics = createMetrics()
  const relay = createRelay({ pool, mirror, truth: createTruth(pool), metrics, log: SILENT })
  t.teardown(() => relay.close())
  const published: Change[] = []
  const publisher: Publisher = {
    async publish(changes) {
      published.push(...changes)
      if (!switches.leaveToRelay) await relay.publish(changes)
    },
  }
  const switches = { leaveToRelay: false }
  const provision = createProvision({ pool, publisher, sipDomain: 'sip.test' })
  const master = await provision.accounts.ensureMaster(createSid('account'))
  const { account } = await provision.accounts.create(master.sid, 'a tenant')
  const list = await provision.credentialLists.create(account.sid, { friendlyName: 'phones' })
  published.length = 0
  return Object.assign(switches, {
    ...{ database, mirror, relay, metrics, provision, published, publisher },
    ...{ accountSid: account.sid, listSid: list.sid, realm: list.realm },
    createUser: (username: string, password = PASSWORD) =>
      provision.credentials.create(account.sid, list.sid, { username, password }),
    async pending() {
      const { rows } = await pool.query<{ n: number }>('select count(*)::int as n from outbox')
      return rows[0]?.n ?? -1
    },
  })
}

/** A credential's hash in Redis as it stands there. */
export function hashOf(redis: RedisClient, realm: string, username: string): Promise<Record<string, string>> {
  return redis.hgetall(`sipauth:cred:${realm}:${username}`)
}

/** How many of this database's sessions wait for a lock. */
export async function waiting({ database }: Pick<Stage, 'database'>): Promise<number> {
  const { rows } = await database.pool.query<{ n: number }>(
    `select count(*)::int as n from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
  )
  return rows[0]?.n ?? 0
}
