import { performance } from 'node:perf_hooks'
import { pino } from 'pino'
import t from 'tap'
import type { RedisClient } from '../../src/redis/client.js'
import { createInvalidations, type Invalidations } from '../../src/redis/invalidations.js'
import { createNearKeeper, type NearKeeper } from '../../src/redis/near-keeper.js'
import { type Owner, runProcess } from '../fixtures/process.js'
import { startRedis } from '../fixtures/redis.js'
import { until } from '../fixtures/until.js'
import { openRedis, SILENT } from '../provision/stage.js'
import { moveSlotOf, startCluster, startMember, startSentinel } from './arrangements.js'

const PREFIX = 'sipauth:cred:'
const [ALICE, BOB] = [`${PREFIX}example.com:alice`, `${PREFIX}example.com:bob`]

type Near = {
  readonly redis: RedisClient
  readonly invalidations: Invalidations
  readonly keeper: NearKeeper<string>
  /** Reads a string through the keeper. */
  get(key: string): Promise<string | null>
  /** Reads it until it is held: the word of an earlier write may come late. */
  hold(key: string, value: string | null): Promise<unknown>
}

/** A keeper over a Redis, once it is live. `now` is a clock of the test's own. */
async function keepNear(t: Owner, redis: RedisClient, max = 100, now = () => performance.now()): Promise<Near> {
  const invalidations = createInvalidations({ redis, log: SILENT, now })
  const keeper = createNearKeeper<string>({ invalidations, prefixes: [PREFIX], max })
  invalidations.start()
  t.teardown(() => invalidations.close())
  await until(() => invalidations.live)
  const get: Near['get'] = (key) => keeper.read(key, () => redis.get(key))
  const hold: Near['hold'] = (key, value) => until(async () => (await get(key)) === value && keeper.peek(key) === value)
  return { redis, invalidations, keeper, get, hold }
}

const server = await startRedis(t)
const near = await keepNear(t, await openRedis(t, server.url))
const { redis, invalidations, keeper, hold } = near
t.beforeEach(async () => {
  await redis.flushall()
  await until(() => invalidations.live && keeper.size === 0)
})

/** Ids of the connections by which changes are heard of. */
async function listenerIds(cli = server.cli): Promise<string[]> {
  const listeners = (await cli('CLIENT', 'LIST')).split('\n').filter((line) => line.includes('name=sipauthd-near'))
  return listeners.map((line) => /^id=(\d+)/.exec(line)?.[1] ?? '')
}

t.test('what was read is held, and what is not there is held as nothing', async (t) => {
  await redis.set(ALICE, 'a1')
  t.equal(keeper.peek(ALICE), undefined)
  await hold(ALICE, 'a1')
  await hold(BOB, null)
  t.equal(keeper.size, 2)
})

const CHANGES: Readonly<Record<string, (key: string) => Promise<unknown>>> = {
  'a write': (key) => server.cli('SET', key, 'a2'),
  'a write by a script': (key) => server.cli('EVAL', "return redis.call('SET', KEYS[1], 'a2')", '1', key),
  'a deletion': (key) => server.cli('DEL', key),
  'an expiry': (key) => server.cli('PEXPIRE', key, '20'),
  'a new name': (key) => server.cli('RENAME', key, 'elsewhere'),
  FLUSHALL: () => server.cli('FLUSHALL'),
  FLUSHDB: () => server.cli('FLUSHDB'),
}

for (const [name, change] of Object.entries(CHANGES)) {
  t.test(`${name} of another client takes it away`, async (t) => {
    await redis.set(ALICE, 'a1')
    await hold(ALICE, 'a1')
    await change(ALICE)
    await until(() => keeper.peek(ALICE) === undefined)
    t.ok(invalidations.live)
  })
}

t.test('what was not there is asked for again once it is written', async () => {
  await hold(BOB, null)
  await server.cli('SET', BOB, 'b1')
  await until(() => keeper.peek(BOB) === undefined)
  await hold(BOB, 'b1')
})

t.test('a read that a change overtook is not kept, nor one that began before and was answered later', async (t) => {
  const first = keeper.begin(ALICE)
  const second = keeper.begin(ALICE)
  keeper.keep(first, 'old')
  t.equal(keeper.peek(ALICE), 'old')
  const third = keeper.begin(ALICE)
  await server.cli('SET', ALICE, 'new')
  await until(() => keeper.peek(ALICE) === undefined)
  keeper.keep(third, 'old')
  keeper.keep(second, 'old')
  t.equal(keeper.peek(ALICE), undefined)
  const fourth = keeper.begin(ALICE)
  keeper.keep(third, 'old')
  t.equal(keeper.peek(ALICE), undefined, 'the ticket of another read counts for nothing')
  keeper.keep(fourth, 'new')
  t.equal(keeper.peek(ALICE), 'new')
})

t.test('a read that a flush overtook is not kept', async (t) => {
  await redis.set(BOB, 'b1')
  await hold(BOB, 'b1')
  const overtaken = keeper.begin(ALICE)
  await server.cli('FLUSHALL')
  await until(() => keeper.peek(BOB) === undefined)
  keeper.keep(overtaken, 'old')
  t.equal(keeper.peek(ALICE), undefined)
})

t.test('what this process has written is forgotten at once, with the reads under way', async (t) => {
  await redis.set(ALICE, 'a1')
  await hold(ALICE, 'a1')
  const overtaken = keeper.begin(ALICE)
  keeper.forget(ALICE)
  t.equal(keeper.peek(ALICE), undefined)
  keeper.keep(overtaken, 'a1')
  t.equal(keeper.peek(ALICE), undefined)
})

t.test('a read that fails keeps nothing', async (t) => {
  await t.rejects(keeper.read(ALICE, () => Promise.reject(new Error('no answer'))))
  t.equal(keeper.peek(ALICE), undefined)
})

t.test('its connection killed, nothing is held until it listens again, by itself', async (t) => {
  await redis.set(ALICE, 'a1')
  await hold(ALICE, 'a1')
  const overtaken = keeper.begin(BOB)
  const before = invalidations.losses
  for (const id of await listenerIds()) await server.cli('CLIENT', 'KILL', 'ID', id)
  await until(() => invalidations.losses > before)
  t.equal(keeper.peek(ALICE), undefined)
  await until(() => invalidations.live)
  t.equal(keeper.peek(ALICE), undefined, 'nothing has survived')
  keeper.keep(overtaken, 'b0')
  t.equal(keeper.peek(BOB), undefined, 'nor does what was read before')
  await hold(ALICE, 'a1')
  await server.cli('SET', ALICE, 'a2')
  await until(() => keeper.peek(ALICE) === undefined)
  t.equal((await listenerIds()).length, 1)
})

t.test('the connection of the lookups killed, nothing is held until both lead to the same server', async (t) => {
  await redis.set(ALICE, 'a1')
  await hold(ALICE, 'a1')
  const before = invalidations.losses
  await server.cli('CLIENT', 'KILL', 'ID', String(await redis.client('ID')))
  await until(() => invalidations.losses > before)
  t.equal(keeper.size, 0)
  await until(() => invalidations.live)
  await hold(ALICE, 'a1')
})

t.test('while Redis hangs, what is held counts for less than half a second, and again when it answers', async (t) => {
  let time = 0
  const { keeper, invalidations, hold } = await keepNear(t, redis, 100, () => time)
  await redis.set(ALICE, 'a1')
  await hold(ALICE, 'a1')
  server.pause()
  t.teardown(() => server.resume())
  time += 300
  t.equal(keeper.peek(ALICE), 'a1')
  time += 199
  t.notOk(invalidations.live)
  t.equal(keeper.peek(ALICE), undefined)
  t.equal(keeper.begin(BOB), undefined, 'and nothing more is kept')
  server.resume()
  await until(() => invalidations.live)
  t.equal(keeper.peek(ALICE), 'a1', 'nothing was missed: it was told of everything before it was answered')
})

t.test('no more than so many are held: those unused for longest go, and one of ten may be for nothing', async (t) => {
  const { keeper } = await keepNear(t, redis, 20)
  for (let n = 0; n < 50; n++) keeper.keep(keeper.begin(`${PREFIX}present${n}`), 'x')
  t.ok(keeper.size <= 18, String(keeper.size))
  for (let n = 41; n < 50; n++) t.equal(keeper.peek(`${PREFIX}present${n}`), 'x')
  t.equal(keeper.peek(`${PREFIX}present31`), undefined)
  for (let n = 0; n < 50; n++) keeper.keep(keeper.begin(`${PREFIX}absent${n}`), null)
  t.ok(keeper.size <= 20, String(keeper.size))
  t.equal(keeper.peek(`${PREFIX}absent49`), null)
  for (let n = 41; n < 50; n++) t.equal(keeper.peek(`${PREFIX}present${n}`), 'x', 'which displace no others')
  const { keeper: none } = await keepNear(t, redis, 0)
  t.equal(none.begin(ALICE), undefined)
})

t.test('a user who may listen to changes and no more suffices', async (t) => {
  const acl = ['~sipauth:*', '&__redis__:invalidate', '+@all', '-@dangerous', '+info']
  await server.cli('ACL', 'SETUSER', 'phones', 'on', '>secret', ...acl)
  const limited = await keepNear(t, await openRedis(t, `${server.url}?username=phones&password=secret`))
  await limited.redis.set(ALICE, 'a1')
  await limited.hold(ALICE, 'a1')
  await server.cli('SET', ALICE, 'a2')
  await until(() => limited.keeper.peek(ALICE) === undefined)
})

t.test('a user who may not listen has nothing near, and no worse', async (t) => {
  await server.cli('ACL', 'SETUSER', 'deaf', 'on', '>secret', '~sipauth:*', 'resetchannels', '+@all')
  const redis = await openRedis(t, `${server.url}?username=deaf&password=secret`)
  const lines: string[] = []
  const log = pino({ level: 'info' }, { write: (line) => lines.push(line) })
  const invalidations = createInvalidations({ redis, log, now: () => performance.now() })
  const keeper = createNearKeeper<string>({ invalidations, prefixes: [PREFIX], max: 100 })
  invalidations.start()
  t.teardown(() => invalidations.close())
  await until(() => lines.length > 0)
  t.match(JSON.parse(lines[0] ?? ''), { level: 40, missing: '&__redis__:invalidate', msg: /may not hear of changes/ })
  const refusals = async () => (await server.cli('ACL', 'LOG')).split('__redis__:invalidate').length
  await until(async () => (await refusals()) > 1)
  t.notOk(invalidations.live)
  t.equal(await keeper.read(ALICE, () => redis.get(ALICE)), null)
  t.equal(keeper.size, 0)
})

t.test('a Redis that is stopped and started again is listened to again', async (t) => {
  const server = await startRedis(t)
  const { keeper, invalidations, hold, redis } = await keepNear(t, await openRedis(t, server.url))
  await redis.set(ALICE, 'a1')
  await hold(ALICE, 'a1')
  await server.stop()
  await until(() => keeper.size === 0)
  t.notOk(invalidations.live)
  await server.restart()
  await until(() => invalidations.live)
  await hold(ALICE, null)
  await server.cli('SET', ALICE, 'a2')
  await until(() => keeper.peek(ALICE) === undefined)
})

t.test('after a failover by Sentinel the new master is listened to', async (t) => {
  const sentinel = await startSentinel(t)
  const { keeper, invalidations, get, hold, redis } = await keepNear(t, await openRedis(t, sentinel.url))
  await redis.set(ALICE, 'a1')
  await hold(ALICE, 'a1')
  await until(async () => (await sentinel.cli('SENTINEL', 'REPLICAS', 'phones')).includes('slave'))
  await until(async () => (await sentinel.replica.cli('GET', ALICE)) === 'a1')
  const before = invalidations.losses
  await until(async () => (await sentinel.cli('SENTINEL', 'FAILOVER', 'phones')) === 'OK')
  await until(() => invalidations.losses > before)
  await until(async () => (await sentinel.replica.cli('SET', ALICE, 'a2')) === 'OK')
  await hold(ALICE, 'a2')
  await sentinel.replica.cli('SET', ALICE, 'a3')
  await until(() => keeper.peek(ALICE) === undefined)
  t.equal(await get(ALICE), 'a3')
})

t.test('in a cluster each master is listened to, new ones and moved slots too', async (t) => {
  const { url, masters } = await startCluster(t)
  const [first, second, third] = masters
  if (!first || !second || !third) throw new Error('a cluster has masters')
  const cli = async (...args: string[]) => {
    const { stdout } = await runProcess({ command: 'redis-cli', args: ['-c', '-p', String(first.port), ...args] })
    return stdout.trim()
  }
  const { keeper, invalidations, get, hold, redis } = await keepNear(t, await openRedis(t, url))
  const keys = [ALICE, ...Array.from({ length: 11 }, (_, n) => `${PREFIX}example.com:user${n}`)]
  for (const key of keys) await redis.set(key, 'one')
  for (const key of keys) await hold(key, 'one')
  for (const key of keys) await cli('SET', key, 'two')
  await until(() => keys.every((key) => keeper.peek(key) === undefined))

  t.test('one of them lost, nothing is held until all are heard', async (t) => {
    for (const key of keys) await get(key)
    const before = invalidations.losses
    for (const id of await listenerIds(second.cli)) await second.cli('CLIENT', 'KILL', 'ID', id)
    await until(() => invalidations.losses > before)
    t.equal(keeper.size, 0)
    await until(() => invalidations.live)
  })

  t.test('a slot that is moved takes its keys away, and they are heard of where they are then', async (t) => {
    await moveSlotOf(ALICE, masters, third)
    await hold(ALICE, 'two')
    await third.cli('SET', ALICE, 'three')
    await until(() => keeper.peek(ALICE) === undefined)
    t.equal(await get(ALICE), 'three')
  })

  t.test('a master that comes is listened to before anything of it is held', async (t) => {
    const added = await startMember(t)
    await first.cli('CLUSTER', 'MEET', '127.0.0.1', String(added.port))
    const id = await added.cli('CLUSTER', 'MYID')
    for (const master of masters) await until(async () => (await master.cli('CLUSTER', 'NODES')).includes(id))
    await until(async () => (await added.cli('CLUSTER', 'INFO')).includes('cluster_state:ok'))
    await moveSlotOf(ALICE, [...masters, added], added)
    await hold(ALICE, 'three')
    t.equal((await listenerIds(added.cli)).length, 1)
    await added.cli('SET', ALICE, 'four')
    await until(() => keeper.peek(ALICE) === undefined)
    t.equal(await get(ALICE), 'four')
  })
})
