import { performance } from 'node:perf_hooks'
import t from 'tap'
import type { FailureRecord, Rule } from '../../src/auth/failure-record.js'
import { createMemoryFailureRecord } from '../../src/auth/memory-failure-record.js'
import { createThrottle, type Throttle } from '../../src/auth/throttle.js'
import { createMetrics } from '../../src/metrics.js'
import { liftBan } from '../../src/redis/ban-list.js'
import type { RedisClient } from '../../src/redis/client.js'
import { banKey, createRedisFailureRecord } from '../../src/redis/failure-record.js'
import { createInvalidations } from '../../src/redis/invalidations.js'
import { createNearBans } from '../../src/redis/near-bans.js'
import type { Owner } from '../fixtures/process.js'
import { startRedis } from '../fixtures/redis.js'
import { until } from '../fixtures/until.js'
import { openRedis, SILENT } from '../provision/stage.js'
import { startCluster } from './arrangements.js'

const RULE: Rule = {
  limits: [{ kind: 'user', failures: 1, windowMs: 60_000, lasting: false }],
  ...{ banMs: 60_000, banMaxMs: 3_600_000 },
}

/** A node's record of failures with the bans near, once they are known. */
async function startNode(t: Owner, redis: RedisClient): Promise<FailureRecord> {
  const now = () => performance.now()
  const invalidations = createInvalidations({ redis, log: SILENT, now })
  const near = createNearBans({ redis, invalidations, log: SILENT, now })
  const record = createRedisFailureRecord({ redis, near, now: Date.now })
  invalidations.start()
  t.teardown(() => invalidations.close())
  await until(() => record.peekBan('nobody') === null)
  return record
}

const server = await startRedis(t)
const redis = await openRedis(t, server.url)
const [one, two] = [await startNode(t, redis), await startNode(t, await openRedis(t, server.url))]
const knowsNone = () => two.peekBan('alice') === null
t.beforeEach(async () => {
  await redis.flushall()
  await until(knowsNone)
})

t.test('a ban is known at once where it begins, and without a question on every other node', async (t) => {
  const { ban } = await one.countFailure('alice', RULE)
  t.ok(ban)
  t.same(one.peekBan('alice') ?? ban, ban)
  await until(() => two.peekBan('alice') !== null)
  await until(() => two.peekBan('alice') !== undefined)
  t.same(two.peekBan('alice'), ban)
  t.equal(two.peekBan('bob'), null)
})

const ENDS: Readonly<Record<string, () => Promise<unknown>>> = {
  'is lifted': () => liftBan(redis, 'alice'),
  ends: () => redis.pexpire(banKey('alice'), 20),
  'is flushed': () => server.cli('FLUSHALL'),
}

for (const [name, end] of Object.entries(ENDS)) {
  t.test(`a ban that ${name} is gone on every node`, async () => {
    await one.countFailure('alice', RULE)
    await until(() => Boolean(two.peekBan('alice')))
    await end()
    await until(() => one.peekBan('alice') === null && knowsNone())
  })
}

t.test('a node that cannot hear of bans says that it does not know, and hears again by itself', async (t) => {
  await one.countFailure('alice', RULE)
  await until(() => Boolean(two.peekBan('alice')))
  server.pause()
  await until(() => two.peekBan('alice') === undefined && two.peekBan('bob') === undefined)
  server.resume()
  await until(() => Boolean(two.peekBan('alice')) && two.peekBan('bob') === null)
  const listeners = (await server.cli('CLIENT', 'LIST')).split('\n').filter((line) => line.includes('sipauthd-near'))
  t.ok(listeners.length >= 2)
  for (const line of listeners) await server.cli('CLIENT', 'KILL', 'ID', /^id=(\d+)/.exec(line)?.[1] ?? '')
  await until(() => two.peekBan('bob') === undefined)
  await liftBan(redis, 'alice')
  await until(knowsNone)
})

t.test('bans that begin and end while a node reads all of them are known as they are at last', async (t) => {
  const subjects = Array.from({ length: 1_500 }, (_, n) => `user${n}`)
  const impose = (...banned: string[]) => {
    const ban = `${Date.now() + 60_000} user 1`
    return redis.mset(banned.flatMap((subject) => [banKey(subject), ban]))
  }
  await impose(...subjects.slice(0, 1_000))
  const third = startNode(t, await openRedis(t, server.url))
  let isKnown = false
  third.then(() => {
    isKnown = true
  })
  for (let turn = 0; turn < 500 || !isKnown; turn++) {
    const n = turn % 500
    await Promise.all([redis.del(banKey(`user${n}`)), impose(`user${1_000 + n}`, `user${n + 1}`)])
  }
  const record = await third
  const texts = await redis.mget(subjects.map(banKey))
  const real = new Map(subjects.map((subject, index) => [subject, texts[index] ?? null]))
  const isRight = (subject: string) => {
    const near = record.peekBan(subject)
    return near !== undefined && `${near?.untilMs ?? ''}` === (real.get(subject)?.split(' ')[0] ?? '')
  }
  await until(() => subjects.every(isRight))
})

/** A throttle over a record, as a node has it. */
function throttleOver(shared: FailureRecord): Throttle {
  const limits = { userFailures: 2, sourceFailures: 100, windowMs: 60_000, retryFailures: 0, retryWindowMs: 60_000 }
  return createThrottle({
    ...{
      shared,
      local: createMemoryFailureRecord({ now: Date.now }),
      limits: { ...limits, banMs: 60_000, banMaxMs: 60_000 },
    },
    ...{ metrics: createMetrics(), now: Date.now, log: SILENT },
  })
}

t.test('whoever is banned on one node is refused on the other without a question to Redis', async (t) => {
  const [here, there] = [throttleOver(one), throttleOver(two)]
  const attempt = { realm: 'example.com', username: 'alice', sourceIp: '192.0.2.1' }
  t.equal(there.peek(attempt), 0)
  await here.fail(attempt)
  await here.fail(attempt)
  await until(() => (there.peek(attempt) ?? 0) > 0)
  t.ok(Number(await there.check(attempt)) > 55)
  t.equal(there.peek({ ...attempt, sourceIp: '192.0.2.2' }), 0)
})

t.test('in a cluster bans are known from every master', async (t) => {
  const cluster = await startCluster(t)
  const nodes = [await openRedis(t, cluster.url), await openRedis(t, cluster.url)]
  const [here, there] = await Promise.all(nodes.map((node) => startNode(t, node)))
  const subjects = Array.from({ length: 30 }, (_, n) => `user${n}`)
  for (const subject of subjects) await here?.countFailure(subject, RULE)
  const held = await Promise.all(cluster.masters.map((master) => master.cli('KEYS', 'sipauth:ban:*')))
  t.ok(held.every((keys) => keys !== ''))
  await until(() => subjects.every((subject) => there?.peekBan(subject)))
  for (const subject of subjects) if (nodes[0]) t.equal(await liftBan(nodes[0], subject), true)
  await until(() => subjects.every((subject) => there?.peekBan(subject) === null))
})
