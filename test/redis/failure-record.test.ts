import t from 'tap'
import type { FailureRecord, Rule } from '../../src/auth/failure-record.js'
import { createMemoryFailureRecord } from '../../src/auth/memory-failure-record.js'
import { createRedisFailureRecord } from '../../src/redis/failure-record.js'
import { startRedis } from '../fixtures/redis.js'
import { openRedis } from '../provision/stage.js'

const server = await startRedis(t)
const redis = await openRedis(t, server.url)
t.beforeEach(() => redis.flushall())

const LIMIT: Rule = {
  limits: [{ kind: 'user', failures: 3, windowMs: 60_000, lasting: false }],
  ...{ banMs: 60_000, banMaxMs: 3_600_000 },
}

/** With a second limit, whose failures count after a ban too. */
const BOTH: Rule = {
  ...LIMIT,
  limits: [...LIMIT.limits, { kind: 'retry', failures: 5, windowMs: 600_000, lasting: true }],
}

async function endOf(record: FailureRecord, subject: string): Promise<number> {
  return (await record.readBan(subject))?.untilMs ?? 0
}

function stage() {
  let time = 1_800_000_000_000
  const record = createRedisFailureRecord({ redis, now: () => time })
  return {
    record,
    now: () => time,
    advance: (ms: number) => {
      time += ms
    },
    async fail(times: number, subject = 'alice', rule = LIMIT) {
      for (let n = 0; n < times; n++) await record.countFailure(subject, rule)
    },
  }
}

t.test('too many failures within the window are a ban, and fewer are none', async (t) => {
  const { record, fail, now } = stage()
  await fail(2)
  t.equal(await endOf(record, 'alice'), 0)
  await fail(1)
  t.equal(await endOf(record, 'alice'), now() + 60_000)
  t.equal(await endOf(record, 'bob'), 0)
})

t.test('failures that have left the window do not count', async (t) => {
  const { record, fail, advance } = stage()
  await fail(2)
  advance(60_001)
  await fail(2)
  t.equal(await endOf(record, 'alice'), 0)
  advance(59_000)
  await fail(1)
  t.ok(await endOf(record, 'alice'))
})

t.test('each further ban is twice as long, up to the longest', async (t) => {
  const { record, fail, now, advance } = stage()
  for (const minutes of [1, 2, 4, 8, 16, 32, 60, 60]) {
    await fail(3)
    t.equal(await endOf(record, 'alice'), now() + minutes * 60_000)
    advance(minutes * 60_000)
  }
})

t.test('a record ends by itself: with the window, and after a ban when that is forgiven', async (t) => {
  const { fail } = stage()
  const key = 'sipauth:failures:{alice}'
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
  const limit: Rule = { ...LIMIT, limits: [{ kind: 'user', failures: 20, windowMs: 60_000, lasting: false }] }
  await Promise.all(Array.from({ length: 19 }, (_, n) => (n % 2 ? record : other).countFailure('alice', limit)))
  t.equal(await endOf(record, 'alice'), 0)
  await other.countFailure('alice', limit)
  t.equal(await endOf(record, 'alice'), now() + 60_000)
})

t.test('it bans exactly when the record in memory does', async (t) => {
  const waits = [0, 20_000, 20_000, 1_000, 90_000, 10, 10, 10, 200_000, 59_000, 1, 0, 0, 0, 60_000, 3_700_000, 5, 5, 5]
  for (const rule of [LIMIT, BOTH]) {
    const { record, now, advance } = stage()
    const memory = createMemoryFailureRecord({ now })
    const subject = `by ${rule.limits.length} limits`
    for (const wait of [...waits, ...waits, ...waits]) {
      advance(wait)
      t.same(await record.countFailure(subject, rule), await memory.countFailure(subject, rule))
      for (const ms of [0, 59_999, 1]) {
        advance(ms)
        const [mine, other] = [await endOf(record, subject), await endOf(memory, subject)]
        t.equal(Math.max(mine, now()), Math.max(other, now()))
      }
    }
  }
})

t.test('a failure tells of the ban that begins with it, and of no other', async (t) => {
  const { record, now } = stage()
  t.same(await record.countFailure('alice', LIMIT), { ban: undefined, left: 2 })
  t.same(await record.countFailure('alice', LIMIT), { ban: undefined, left: 1 })
  const ban = { kind: 'user', untilMs: now() + 60_000, count: 1 }
  t.same(await record.countFailure('alice', LIMIT), { ban, left: 3 })
  for (const left of [2, 1, 1, 1]) t.same(await record.countFailure('alice', LIMIT), { ban: undefined, left })
  t.same(await record.readBan('alice'), ban, 'failures judged before the ban was known do not make it longer')
})

t.test('a ban by a clock that is fast keeps no node from the next one once it has ended', async (t) => {
  const [fast, slow] = [stage(), stage()]
  fast.advance(600_000)
  await fast.fail(3)
  await slow.fail(3)
  t.equal(await endOf(slow.record, 'alice'), fast.now() + 60_000, 'while it runs, no other begins')
  await redis.pexpire('sipauth:ban:{alice}', 0)
  await slow.fail(3)
  t.equal(await endOf(slow.record, 'alice'), slow.now() + 120_000)
})

t.test('failures that last count after a ban too, and go after their window without a ban', async (t) => {
  const { record, advance, fail, now } = stage()
  for (let retry = 0; retry < 5; retry++) {
    await fail(1, 'alice', BOTH)
    advance(60_000)
  }
  t.match(await record.readBan('alice'), { kind: 'retry', untilMs: now(), count: 1 })
  for (const minutes of [2, 4, 8, 16, 32, 60, 60, 60]) {
    await fail(1, 'alice', BOTH)
    t.match(await record.readBan('alice'), { kind: 'retry', untilMs: now() + minutes * 60_000 })
    advance(minutes * 60_000)
  }
  advance(599_999 - 60_000 * 4)
  t.match(await record.countFailure('alice', BOTH), { ban: { kind: 'retry' }, left: 1 })
  advance(3_600_000 + 600_000)
  t.same(await record.countFailure('alice', BOTH), { ban: undefined, left: 2 })
})

t.test('a ban has a key of its own that ends with it, on the server of its failures', async (t) => {
  const { fail, now } = stage()
  await fail(3, '2001:db8::/64|example.com|alice')
  const key = 'sipauth:ban:{2001:db8::/64|example.com|alice}'
  t.equal(await redis.get(key), `${now() + 60_000} user 1`)
  const left = await redis.pttl(key)
  t.ok(left > 55_000 && left <= 60_000, String(left))
  const [slot, other] = [key, key.replace('ban', 'failures')].map((name) => server.cli('cluster', 'keyslot', name))
  t.equal(await slot, await other)
})

t.test('a Redis that does not answer is a fault, not "no ban"', async (t) => {
  const { record } = stage()
  server.pause()
  t.teardown(() => server.resume())
  await t.rejects(record.readBan('alice'))
  await t.rejects(record.countFailure('alice', LIMIT))
})
