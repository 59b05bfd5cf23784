import t from 'tap'
import { createMemoryFailureRecord } from '../../src/auth/memory-failure-record.js'
import { createRedisFailureRecord } from '../../src/redis/failure-record.js'
import { startRedis } from '../fixtures/redis.js'
import { openRedis } from '../provision/stage.js'

const server = await startRedis(t)
const redis = await openRedis(t, server.url)
t.beforeEach(() => redis.flushall())

const LIMIT = { failures: 3, windowMs: 60_000, banMs: 60_000, banMaxMs: 3_600_000 }

function stage() {
  let time = 1_800_000_000_000
  const record = createRedisFailureRecord({ redis, now: () => time })
  return {
    record,
    now: () => time,
    advance: (ms: number) => {
      time += ms
    },
    async fail(times: number, subject = 'alice') {
      for (let n = 0; n < times; n++) await record.countFailure(subject, LIMIT)
    },
  }
}

t.test('too many failures within the window are a ban, and fewer are none', async (t) => {
  const { record, fail, now } = stage()
  await fail(2)
  t.equal(await record.readBan('alice'), 0)
  await fail(1)
  t.equal(await record.readBan('alice'), now() + 60_000)
  t.equal(await record.readBan('bob'), 0)
})

t.test('failures that have left the window do not count', async (t) => {
  const { record, fail, advance } = stage()
  await fail(2)
  advance(60_001)
  await fail(2)
  t.equal(await record.readBan('alice'), 0)
  advance(59_000)
  await fail(1)
  t.ok(await record.readBan('alice'))
})

t.test('each further ban is twice as long, up to the longest', async (t) => {
  const { record, fail, now, advance } = stage()
  for (const minutes of [1, 2, 4, 8, 16, 32, 60, 60]) {
    await fail(3)
    t.equal(await record.readBan('alice'), now() + minutes * 60_000)
    advance(minutes * 60_000)
  }
})

t.test('a record ends by itself: with the window, and after a ban when that is forgiven', async (t) => {
  const { fail } = stage()
  const key = 'sipauth:failures:alice'
  await fail(1)
  const window = await redis.pttl(key)
  t.ok(window > 55_000 && window <= 60_000, String(window))
  await fail(2)
  const forgiven = await redis.pttl(key)
  t.ok(forgiven > 3_655_000 && forgiven <= 3_660_000, String(forgiven))
})

t.test('failures at once, over several connections, are all counted', async (t) => {
  const { record, now } = stage()
  const other = createRedisFailureRecord({ redis: await openRedis(t, server.url), now })
  const limit = { ...LIMIT, failures: 20 }
  await Promise.all(Array.from({ length: 19 }, (_, n) => (n % 2 ? record : other).countFailure('alice', limit)))
  t.equal(await record.readBan('alice'), 0)
  await other.countFailure('alice', limit)
  t.equal(await record.readBan('alice'), now() + 60_000)
})

t.test('it bans exactly when the record in memory does', async (t) => {
  const { record, now, advance } = stage()
  const memory = createMemoryFailureRecord({ now })
  for (const wait of [0, 20_000, 20_000, 1_000, 90_000, 10, 10, 10, 200_000, 59_000, 1, 0, 0, 0]) {
    advance(wait)
    for (const each of [record, memory]) await each.countFailure('alice', LIMIT)
    t.equal(await record.readBan('alice'), await memory.readBan('alice'))
  }
})

t.test('a Redis that does not answer is a fault, not "no ban"', async (t) => {
  const { record } = stage()
  server.pause()
  t.teardown(() => server.resume())
  await t.rejects(record.readBan('alice'))
  await t.rejects(record.countFailure('alice', LIMIT))
})
