import t from 'tap'
import { readMarker } from '../../src/mirror/marker.js'
import { rebuildMirror } from '../../src/mirror/rebuild.js'
import { createMirrorKeeper } from '../../src/mirror-keeper.js'
import { findSubjects, liftBan, listBans } from '../../src/redis/ban-list.js'
import { createRedisBindings } from '../../src/redis/bindings.js'
import { connectRedis, type RedisClient } from '../../src/redis/client.js'
import { createRedisFailureRecord } from '../../src/redis/failure-record.js'
import { createRedisUseRecord } from '../../src/redis/use-record.js'
import type { Database } from '../../src/store/database.js'
import { createTruth } from '../../src/truth.js'
import { tlsPair } from '../fixtures/certificate.js'
import { freePort } from '../fixtures/ports.js'
import { startPostgres } from '../fixtures/postgres.js'
import type { Owner } from '../fixtures/process.js'
import { startRedis } from '../fixtures/redis.js'
import { scratchFolder } from '../fixtures/scratch.js'
import { runSipauthd } from '../fixtures/sipauthd.js'
import { until } from '../fixtures/until.js'
import { createStage, openRedis, openStore, SILENT } from '../provision/stage.js'
import { startCluster, startSentinel } from './arrangements.js'

const postgres = await startPostgres(t)
const databaseUrl = await postgres.createDatabase()
const database = await openStore(t, databaseUrl)

/** Everything that is kept in Redis, used once, as a node does it. */
async function useAll(t: Tap, redis: RedisClient, database: Database): Promise<void> {
  const now = Date.now
  const stage = await createStage(t, database, redis)
  for (let n = 0; n < 10; n++) await stage.createUser(`user${n}`)
  const truth = createTruth(database.pool)
  t.ok(await rebuildMirror({ redis, truth, onProgress: () => undefined }))
  t.equal(await readMarker(redis), 'complete')
  await until(() => stage.mirror.current)
  for (let n = 0; n < 10; n++) t.ok((await stage.mirror.findHa1(stage.realm, `user${n}`, 'ha1'))?.ha1)

  const uses = createRedisUseRecord({ redis, now })
  const use = { nonceId: 'n1', expiresAtMs: now() + 60_000, username: 'alice', count: 1, response: 'r' }
  t.same([await uses.spend(use), await uses.spend(use), await uses.spend({ ...use, count: 2 })], [true, false, true])

  const failures = createRedisFailureRecord({ redis, now })
  const limits = [{ kind: 'user', failures: 1, windowMs: 60_000, lasting: false }] as const
  const { ban } = await failures.countFailure('alice', { limits, banMs: 60_000, banMaxMs: 60_000 })
  t.ok(ban && ban.untilMs > now())
  t.same(await failures.readBan('alice'), ban)
  const listed: unknown[] = []
  for await (const each of listBans(redis)) listed.push(each)
  t.same(listed, [{ subject: 'alice', ban }])
  t.same([...(await findSubjects(redis, () => true))], ['alice'])
  t.equal(await liftBan(redis, 'alice'), true)
  t.equal(await failures.readBan('alice'), undefined)

  const bindings = createRedisBindings({ redis, now })
  const aor = { realm: stage.realm, username: 'user1' }
  const contacts = [{ uri: 'sip:alice@192.0.2.1', key: 'k', expiresSeconds: 60 }]
  t.match(await bindings.update(aor, { callId: 'c', cseq: 1, contacts }), { outcome: 'done' })
  const again = { callId: 'c', cseq: 2, contacts }
  const prepared = bindings.prepare?.(aor, again)
  t.equal(prepared === undefined, redis.isCluster, 'a cluster may keep the two on different servers')
  t.ok(await uses.spend({ ...use, count: 3, companion: prepared?.companion }))
  t.match(prepared?.outcome() ?? (await bindings.update(aor, again)), { outcome: 'done' })
  t.match(await bindings.list(aor), [{ uri: 'sip:alice@192.0.2.1', cseq: 2 }])
}

type Tap = Owner & typeof t

const SINGLE = {
  'redis://, with a password and a database number': async (t: Owner) => {
    const { port } = await startRedis(t, { tcp: true, extraArgs: ['--requirepass', 'p@ss'] })
    return `redis://:p%40ss@127.0.0.1:${port}/3`
  },
  'unix://': async (t: Owner) => (await startRedis(t)).url,
  'unix:// with a password and a database number': async (t: Owner) => {
    const { url } = await startRedis(t, { extraArgs: ['--requirepass', 'p@ss'] })
    return `${url}?db=2&password=p%40ss`
  },
  'redis+sentinel://': async (t: Owner) => (await startSentinel(t)).url,
} as const

for (const [name, start] of Object.entries(SINGLE)) {
  t.test(`mirror, marker, nonce counts, failures and bindings work over ${name}`, async (t) => {
    await useAll(t as Tap, await openRedis(t, await start(t)), database)
  })
}

t.test('rediss:// checks the certificate, and works with one that is trusted', async (t) => {
  const { cert, key } = await tlsPair()
  const port = await freePort()
  const tls = ['--tls-port', String(port), '--tls-cert-file', cert, '--tls-key-file', key, '--tls-ca-cert-file', cert]
  await startRedis(t, { extraArgs: [...tls, '--tls-auth-clients', 'no'] })
  const DATA_DIR = await scratchFolder('data')
  const env = { DATABASE_URL: databaseUrl, REDIS_URL: `rediss://localhost:${port}`, DATA_DIR }
  const [trusted, strange] = await Promise.all([
    runSipauthd(['mirror', 'rebuild'], { ...env, NODE_EXTRA_CA_CERTS: cert }),
    runSipauthd(['mirror', 'rebuild'], env),
  ])
  t.match(trusted, { code: 0, stdout: /records written/ })
  t.match(strange, { code: 1, stderr: /Redis at REDIS_URL does not answer \(self-signed certificate\)/ })
})

t.test('all of it works over redis+cluster://, and one master that lost its data is noticed and rebuilt', async (t) => {
  const { url, masters } = await startCluster(t)
  const redis = await openRedis(t, url)
  await useAll(t as Tap, redis, database)
  const { mirror, realm, createUser } = await createStage(t, database, redis)
  const users = Array.from({ length: 30 }, (_, n) => `user${n}`)
  for (const user of users) await createUser(user)
  const keeper = createMirrorKeeper({
    redis,
    truth: createTruth(database.pool),
    log: SILENT,
    now: Date.now,
    settle: async () => undefined,
  })
  keeper.start()
  t.teardown(() => keeper.close())
  await until(async () => (await readMarker(redis)) === 'complete' && mirror.current)
  // One that does not hold the marker itself.
  const holdings = await Promise.all(masters.map((master) => master.cli('KEYS', 'sipauth:mirror')))
  await masters[holdings.indexOf('')]?.restart()
  t.notOk(mirror.current, 'as soon as the master is gone')
  await until(async () => {
    const found = await Promise.all(users.map((user) => mirror.findHa1(realm, user, 'ha1')))
    return mirror.current && found.every((record) => record?.ha1)
  })
  t.equal(await readMarker(redis), 'complete')
})

t.test('after a failover the new master is reached, and not trusted before it was rebuilt', async (t) => {
  const sentinel = await startSentinel(t)
  const redis = await openRedis(t, sentinel.url)
  const stage = await createStage(t, database, redis)
  await stage.createUser('alice')
  const truth = createTruth(database.pool)
  await rebuildMirror({ redis, truth, onProgress: () => undefined })
  await until(() => stage.mirror.current)
  await until(async () => (await sentinel.replica.cli('HGET', 'sipauth:mirror', 'state')) === 'complete')
  await until(async () => (await sentinel.cli('SENTINEL', 'REPLICAS', 'phones')).includes('slave'))
  await until(async () => (await sentinel.cli('SENTINEL', 'FAILOVER', 'phones')) === 'OK')
  await until(async () => (await readMarker(redis)) === 'other_run')
  t.notOk(stage.mirror.current)
  await until(() => rebuildMirror({ redis, truth, onProgress: () => undefined }))
  await until(() => stage.mirror.current)
  t.equal((await sentinel.replica.cli('HGET', `sipauth:cred:${stage.realm}:alice`, 'ha1')).length, 32)
})

t.test('a failover that is told of while the master is being asked for ends no client', async (t) => {
  const sentinel = await startSentinel(t)
  const redis = await openRedis(t, sentinel.url)
  sentinel.pause()
  redis.disconnect(true)
  await until(() => redis.status === 'connecting')
  // What ioredis does where +switch-master arrives.
  const { connector } = redis as unknown as { connector: { disconnect(): void } }
  const ended = new Promise((resolve) => redis.once('end', resolve))
  connector.disconnect()
  sentinel.resume()
  await ended
  await until(async () => (await redis.ping()) === 'PONG')
  redis.disconnect()
  await until(() => redis.status === 'end')
  await t.rejects(redis.ping(), 'one that is closed stays so')
})

t.test('a command to a Redis that is away fails at once, and works again when it is back', async (t) => {
  const server = await startRedis(t)
  const redis = await openRedis(t, server.url)
  await server.stop()
  await until(() => redis.status !== 'ready')
  await t.rejects(redis.get('x'), 'nothing is queued')
  await server.restart()
  await until(async () => (await redis.set('x', '1')) === 'OK')
  t.equal(await server.cli('GET', 'x'), '1')
})

t.test(
  'a Redis that has become a replica is left and not trusted, and both end when it is a master again',
  async (t) => {
    const server = await startRedis(t)
    const redis = await openRedis(t, server.url)
    const stage = await createStage(t, database, redis)
    const truth = createTruth(database.pool)
    await rebuildMirror({ redis, truth, onProgress: () => undefined })
    await until(() => stage.mirror.current)
    await server.cli('REPLICAOF', '127.0.0.1', '1')
    t.equal(await readMarker(redis), 'other_run')
    const use = { nonceId: 'n1', expiresAtMs: Date.now() + 60_000, username: 'alice', count: 1, response: 'r' }
    const left = new Promise((resolve) => redis.once('close', resolve))
    await t.rejects(createRedisUseRecord({ redis, now: Date.now }).spend(use), /READONLY/)
    await left
    await until(() => redis.status === 'ready')
    t.notOk(stage.mirror.current)
    await server.cli('REPLICAOF', 'NO', 'ONE')
    await until(() => stage.mirror.current)
    t.ok(await createRedisUseRecord({ redis, now: Date.now }).spend(use))
  },
)

t.test('connecting to what is not there fails nothing by itself', async (t) => {
  const redis = connectRedis('redis://127.0.0.1:1', SILENT)
  t.teardown(() => redis.disconnect())
  await t.rejects(redis.get('x'))
  t.not(redis.status, 'ready')
})
