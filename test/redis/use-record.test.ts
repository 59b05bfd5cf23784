import t from 'tap'
import type { Use } from '../../src/auth/replay-guard.js'
import { createRedisUseRecord } from '../../src/redis/use-record.js'
import { startRedis } from '../fixtures/redis.js'
import { openRedis } from '../provision/stage.js'

const server = await startRedis(t)
const redis = await openRedis(t, server.url)
const NOW = 1_800_000_000_000
const record = createRedisUseRecord({ redis, now: () => NOW })
t.beforeEach(() => redis.flushall())

const USE: Use = { nonceId: 'nonce', expiresAtMs: NOW + 60_000, username: 'alice', count: 1, response: 'abc' }

async function spend(...counts: number[]): Promise<boolean[]> {
  const outcomes = []
  for (const count of counts) outcomes.push(await record.spend({ ...USE, count }))
  return outcomes
}

t.test('a nonce count must be above the last one, up to the highest of 32 bits', async (t) => {
  t.same(await spend(1, 1, 3, 2, 3, 4), [true, false, true, false, false, true])
  t.same(await spend(0xffffffff, 0xffffffff, 0xfffffffe), [true, false, false])
  t.same(await spend(0), [false])
})

t.test('a nonce count of zero is never new', async (t) => {
  t.same(await spend(0, 1), [false, true])
})

t.test('of one count presented many times at once exactly one is new, over several connections', async (t) => {
  const other = createRedisUseRecord({ redis: await openRedis(t, server.url), now: () => NOW })
  const outcomes = await Promise.all(Array.from({ length: 40 }, (_, n) => (n % 2 ? record : other).spend(USE)))
  t.equal(outcomes.filter(Boolean).length, 1)
})

t.test('all that are spent in one turn are spent one after the other, in few calls', async (t) => {
  const calls = async () => Number(/cmdstat_evalsha:calls=(\d+)/.exec(await redis.info('commandstats'))?.[1] ?? 0)
  const before = await calls()
  const uses = Array.from({ length: 300 }, (_, n) => ({ ...USE, username: `user${n % 100}`, count: n < 200 ? 1 : 2 }))
  const outcomes = await Promise.all(uses.map((use) => record.spend(use)))
  t.same(outcomes, [...Array(100).fill(true), ...Array(100).fill(false), ...Array(100).fill(true)])
  t.equal((await calls()) - before, 3)
  t.equal(await redis.dbsize(), 100)
})

t.test('where Redis refuses, all of a turn fail, and nobody is told that a count was old', async (t) => {
  await redis.hset('sipauth:nc:nonce:bob', 'no', 'count')
  const uses = ['alice', 'bob', 'carol'].map((username) => record.spend({ ...USE, username }))
  for (const outcome of await Promise.allSettled(uses)) {
    t.match(outcome, { status: 'rejected', reason: /WRONGTYPE/ })
  }
})

t.test("another user's count on the same nonce is its own", async (t) => {
  t.ok(await record.spend(USE))
  t.ok(await record.spend({ ...USE, username: 'bob' }))
})

t.test('without a nonce count each response may be used once', async (t) => {
  const bare = { ...USE, count: undefined }
  t.ok(await record.spend(bare))
  t.notOk(await record.spend(bare))
  t.ok(await record.spend({ ...bare, response: 'def' }))
})

t.test('a record is one key, which ends a minute after its nonce', async (t) => {
  await spend(1, 2, 3)
  const keys = await redis.keys('*')
  t.same(keys, ['sipauth:nc:nonce:alice'])
  const left = await redis.pttl(keys[0] ?? '')
  t.ok(left > 115_000 && left <= 120_000, String(left))
  t.ok(await record.spend({ ...USE, nonceId: 'over', expiresAtMs: NOW - 5 }), 'one that just ended is no fault')
})

t.test('a Redis that does not answer is a fault, not a replay', async (t) => {
  server.pause()
  t.teardown(() => server.resume())
  await t.rejects(record.spend(USE))
})
