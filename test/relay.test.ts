import { pino } from 'pino'
import t from 'tap'
import { settleMirroring } from '../src/mirroring.js'
import { createProvision } from '../src/provision.js'
import { nameKey } from '../src/record-key.js'
import { createRelay } from '../src/relay.js'
import { inTransaction } from '../src/store/database.js'
import { claimChanges } from '../src/store/outbox.js'
import { createTruth } from '../src/truth.js'
import { startPostgres } from './fixtures/postgres.js'
import type { Owner } from './fixtures/process.js'
import { startRedis } from './fixtures/redis.js'
import { until } from './fixtures/until.js'
import { createStage, hashOf, openRedis, openStore, PASSWORD, SILENT, type Stage } from './provision/stage.js'

const postgres = await startPostgres(t)
const server = await startRedis(t)

async function gauge({ metrics }: Stage, name: 'outboxPending' | 'mirrorLagSeconds'): Promise<number> {
  return (await metrics[name].get()).values[0]?.value ?? -1
}

/** A stage on a fresh database. */
async function oneStage(t: Owner): Promise<Stage> {
  const database = await openStore(t, await postgres.createDatabase())
  return createStage(t, database, await openRedis(t, server.url))
}

t.test('what a writer left in the outbox is mirrored, and then gone from it', async (t) => {
  const database = await openStore(t, await postgres.createDatabase())
  const redis = await openRedis(t, server.url)
  const stage = await createStage(t, database, redis)
  stage.leaveToRelay = true
  const { sid } = await stage.createUser('alice')
  await stage.createUser('bob')
  await stage.provision.credentials.delete(stage.accountSid, stage.listSid, sid)
  t.equal(await stage.pending(), 3)
  stage.relay.start()
  await until(async () => (await stage.pending()) === 0)
  t.ok((await hashOf(redis, stage.realm, 'bob')).ha1)
  t.same(Object.keys(await hashOf(redis, stage.realm, 'alice')), ['v'])
})

t.test('on the embedded database too, which has one connection', async (t) => {
  const database = await openStore(t)
  const redis = await openRedis(t, server.url)
  const stage = await createStage(t, database, redis)
  stage.leaveToRelay = true
  await stage.createUser('alice')
  stage.relay.start()
  await until(async () => (await stage.pending()) === 0)
  t.ok((await hashOf(redis, stage.realm, 'alice')).ha1)
})

t.test('a wake mirrors what was written just before it', async (t) => {
  const stage = await oneStage(t)
  stage.leaveToRelay = true
  stage.relay.start()
  await stage.createUser('alice')
  stage.relay.wake()
  await until(async () => (await stage.pending()) === 0)
  t.ok((await stage.mirror.findHa1(stage.realm, 'alice', 'ha1'))?.ha1)
})

t.test('wakes that never end do not keep the relay from its rounds', async (t) => {
  const stage = await oneStage(t)
  stage.leaveToRelay = true
  stage.relay.start()
  const writes = setInterval(() => stage.relay.wake(), 20)
  t.teardown(() => clearInterval(writes))
  await stage.createUser('alice')
  await until(async () => (await stage.pending()) === 0)
  t.ok((await stage.mirror.findHa1(stage.realm, 'alice', 'ha1'))?.ha1)
})

t.test('changes that another node has claimed are passed over, neither waited for nor taken twice', async (t) => {
  const stage = await oneStage(t)
  const { pool } = stage.database
  stage.leaveToRelay = true
  await stage.createUser('alice')
  const [first] = stage.published
  await stage.createUser('bob')
  await inTransaction(pool, async (tx) => {
    t.same(
      (await claimChanges(tx, 1, 0, 'shared')).map(({ id }) => id),
      [first?.id],
    )
    await inTransaction(pool, async (other) => {
      t.same((await claimChanges(other, 10, 0, 'shared')).map(nameKey), [`cred:${stage.realm}:bob`])
    })
    // Its own writer, too, leaves a claimed change to whoever claimed it.
    await stage.relay.publish(stage.published)
    t.equal(await stage.pending(), 1)
  })
  t.same((await inTransaction(pool, (tx) => claimChanges(tx, 10, 0, 'shared'))).map(nameKey), [
    `cred:${stage.realm}:alice`,
  ])
})

t.test('a node without Redis takes nothing out of the outbox that Redis is to hold, whoever came first', async (t) => {
  const database = await openStore(t, await postgres.createDatabase())
  const without = await createStage(t, database)
  const { pool } = database
  await settleMirroring(pool, { REDIS_URL: undefined }, SILENT)
  await without.createUser('early')
  t.equal(await without.pending(), 0, 'while there is no Redis it is done')
  await settleMirroring(pool, { REDIS_URL: server.url }, SILENT)
  await without.createUser('alice')
  t.ok((await without.mirror.findHa1(without.realm, 'alice', 'ha1'))?.ha1, 'its own mirror has it')
  await pool.query(`update outbox set created_at = now() - interval '1 minute'`)
  t.same(await inTransaction(pool, (tx) => claimChanges(tx, 10, 0, 'own')), [])
  t.equal(await without.pending(), 1)

  const redis = await openRedis(t, server.url)
  const other = await createStage(t, database, redis)
  other.relay.start()
  await until(async () => (await other.pending()) === 0)
  t.ok((await hashOf(redis, without.realm, 'alice')).ha1)
})

t.test('several relays on one outbox lose and double nothing', async (t) => {
  const writer = await oneStage(t)
  const redis = await openRedis(t, server.url)
  const others = [1, 2].map(() => createStage(t, writer.database, redis))
  const nodes = [writer, ...(await Promise.all(others))]
  writer.leaveToRelay = true
  await writer.database.pool.query(
    `insert into outbox (kind, name, username, version, created_at)
     select 'credential', 'many.example.com', 'user' || n, nextval('change_version'), now() - interval '1 minute'
     from generate_series(1, 1700) n`,
  )
  const applied: string[] = []
  for (const { mirror, relay } of nodes) {
    const apply = mirror.apply
    mirror.apply = async (records, truth) => {
      await apply(records, truth)
      // A Redis that a busy machine keeps from answering in time is asked again.
      applied.push(...records.map(nameKey))
    }
    relay.start()
  }
  await until(async () => (await writer.pending()) === 0)
  t.equal(applied.length, 1700)
  t.equal(new Set(applied).size, 1700)
})

t.test(
  'while Redis is away a write is accepted, kept in the outbox and told of, and mirrored on its return',
  async (t) => {
    const own = await startRedis(t)
    const database = await openStore(t, await postgres.createDatabase())
    const redis = await openRedis(t, own.url)
    const stage = await createStage(t, database, redis)
    await stage.createUser('before')
    await until(() => stage.mirror.current)
    stage.relay.start()
    await own.stop()
    await stage.createUser('alice')
    await stage.createUser('bob')
    t.equal(await stage.pending(), 2)
    t.notOk(stage.mirror.current, 'nothing is read from it')
    await until(async () => (await gauge(stage, 'outboxPending')) === 2)
    await until(async () => (await gauge(stage, 'mirrorLagSeconds')) > 0.5)
    await own.restart()
    await until(async () => (await stage.pending()) === 0)
    await until(() => stage.mirror.current)
    for (const user of ['alice', 'bob']) t.ok((await hashOf(redis, stage.realm, user)).ha1)
    await until(async () => (await gauge(stage, 'outboxPending')) === 0)
    t.equal(await gauge(stage, 'mirrorLagSeconds'), 0)
  },
)

t.test(
  'a Redis that hangs holds a write up no longer than a command may take, and this node reads it no more',
  async (t) => {
    const own = await startRedis(t)
    const database = await openStore(t, await postgres.createDatabase())
    const redis = await openRedis(t, own.url)
    const stage = await createStage(t, database, redis)
    await until(() => stage.mirror.current)
    stage.relay.start()
    own.pause()
    await stage.createUser('alice')
    t.notOk(stage.mirror.current)
    own.resume()
    await until(() => stage.mirror.current)
    t.ok((await hashOf(redis, stage.realm, 'alice')).ha1)
    t.equal(await stage.pending(), 0)
  },
)

t.test(
  'a node that cannot mirror what another one left over reads the mirror no more, until it is mirrored',
  async (t) => {
    const database = await openStore(t, await postgres.createDatabase())
    const redis = await openRedis(t, server.url)
    const [writer, reader] = [await createStage(t, database, redis), await createStage(t, database, redis)]
    await until(() => reader.mirror.current)
    const { apply } = reader.mirror
    reader.mirror.apply = () => Promise.reject(new Error('OOM command not allowed'))
    reader.relay.start()
    writer.leaveToRelay = true
    await writer.createUser('alice')
    await until(() => !reader.mirror.current)
    t.equal(await reader.pending(), 1)
    reader.mirror.apply = apply
    await until(() => reader.mirror.current)
    t.equal(await reader.pending(), 0)
    t.ok((await hashOf(redis, writer.realm, 'alice')).ha1)
  },
)

t.test('what is mirrored and could not be taken out of the outbox makes the mirror no worse', async (t) => {
  const stage = await oneStage(t)
  await until(() => stage.mirror.current)
  stage.leaveToRelay = true
  await stage.createUser('alice')
  const { pool } = stage.database
  const { query } = pool
  pool.query = (() => {
    pool.query = query
    return Promise.reject(new Error('connection error: PostgreSQL did not answer a moment ago'))
  }) as typeof query
  const truth = createTruth({ query: query.bind(pool) })
  const relay = createRelay({ pool, mirror: stage.mirror, truth, metrics: stage.metrics, log: SILENT })
  t.teardown(() => relay.close())
  await relay.publish(stage.published)
  t.ok(stage.mirror.current)
  t.equal(await stage.pending(), 1)
  await until(async () => (await stage.pending()) === 0)
})

t.test('a change whose database went away after its commit is mirrored when that is back', async (t) => {
  const own = await startPostgres(t)
  const database = await openStore(t, await own.createDatabase())
  const redis = await openRedis(t, server.url)
  const stage = await createStage(t, database, redis)
  stage.leaveToRelay = true
  await stage.createUser('alice')
  stage.relay.start()
  await own.stop('SIGQUIT')
  await stage.relay.publish(stage.published)
  t.notOk(stage.mirror.current)
  await own.restart()
  await until(() => stage.mirror.current)
  t.ok((await hashOf(redis, stage.realm, 'alice')).ha1)
})

t.test('what a request changed and could not be mirrored yet is logged with its id', async (t) => {
  const stage = await oneStage(t)
  const { pool } = stage.database
  const lines: string[] = []
  const log = pino({}, { write: (line) => lines.push(line) })
  const mirror = { ...stage.mirror, apply: () => Promise.reject(new Error('away')) }
  const relay = createRelay({ pool, mirror, truth: createTruth(pool), metrics: stage.metrics, log })
  t.teardown(() => relay.close())
  const provision = createProvision({ pool, publisher: relay, sipDomain: 'sip.test' })
  const { credentials } = provision.by({ actorSid: stage.accountSid, door: 'twilio', requestId: 'RQ1' })
  await credentials.create(stage.accountSid, stage.listSid, { username: 'alice', password: PASSWORD })
  t.match(JSON.parse(lines[0] ?? ''), { requestId: 'RQ1', changes: 1, err: { message: 'away' } })
})
