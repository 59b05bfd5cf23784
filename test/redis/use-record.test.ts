import t from 'tap'
import type { Companion } from '../../src/auth/companion.js'
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

/** A use of a count, and what became of its companion. */
async function spendWith(count: number, companion: Omit<Companion, 'settle'>) {
  const settled: boolean[] = []
  const spent = await record.spend({ ...USE, count, companion: { ...companion, settle: (is) => settled.push(is) } })
  return { spent, settled }
}

const COMPANION = { key: 'companion', expected: 'before', text: 'after', leftMs: 5_000 }

t.test('what goes with a count is stored in the same call, if its key is as expected', async (t) => {
  await redis.set('companion', 'before')
  t.same(await spendWith(1, COMPANION), { spent: true, settled: [true] })
  t.equal(await redis.get('companion'), 'after')
  const left = await redis.pttl('companion')
  t.ok(left > 4_000 && left <= 5_000, String(left))
  t.same(await spendWith(2, COMPANION), { spent: true, settled: [false] })
  t.equal(await redis.get('companion'), 'after')
  t.same(await spendWith(3, { ...COMPANION, expected: 'after', leftMs: 0 }), { spent: true, settled: [true] })
  t.equal(await redis.exists('companion'), 0)
  t.same(await spendWith(4, COMPANION), { spent: true, settled: [false] })
  await redis.hset('companion', 'no', 'text')
  t.same(await spendWith(5, COMPANION), { spent: true, settled: [false] })
})

t.test('what goes with a count that was spent before is not stored', async (t) => {
  await spend(2)
  await redis.set('companion', 'before')
  for (const count of [2, 1, 0]) t.same(await spendWith(count, COMPANION), { spent: false, settled: [] })
  t.equal(await redis.get('companion'), 'before')
})

t.test('of many uses of one turn each has its own companion, or none', async (t) => {
  const users = Array.from({ length: 60 }, (_, n) => `user${n}`)
  await redis.mset(users.flatMap((user) => [`of ${user}`, user]))
  await record.spend({ ...USE, username: 'user3' })
  const settled = new Map<string, boolean>()
  const outcomes = await Promise.all(
    users.map((username, n) => {
      const settle = (is: boolean) => void settled.set(username, is)
      const companion = { ...COMPANION, key: `of ${username}`, expected: username, text: `${username} again`, settle }
      return record.spend({ ...USE, username, ...(n % 3 === 0 && { companion }) })
    }),
  )
  t.same(
    outcomes,
    users.map((username) => username !== 'user3'),
  )
  const changed = users.filter((_, n) => n % 3 === 0 && n !== 3)
  t.same(
    [...settled],
    changed.map((username) => [username, true]),
  )
  t.same(
    await redis.mget(users.map((username) => `of ${username}`)),
    users.map((username) => (changed.includes(username) ? `${username} again` : username)),
  )
})

t.test('where one count of a turn cannot be spent, nothing of that turn is stored', async (t) => {
  await redis.set('companion', 'before')
  await redis.hset('sipauth:nc:nonce:bob', 'no', 'count')
  const other = record.spend({ ...USE, username: 'bob' })
  const [one] = await Promise.allSettled([spendWith(1, COMPANION), other])
  t.match(one, { status: 'rejected', reason: /WRONGTYPE/ })
  t.equal(await redis.get('companion'), 'before')
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
