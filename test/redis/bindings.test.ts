import fc from 'fast-check'
import { Redis } from 'ioredis'
import t from 'tap'
import { createRedisBindings } from '../../src/redis/bindings.js'
import type { RedisClient } from '../../src/redis/client.js'
import { createRedisUseRecord } from '../../src/redis/use-record.js'
import type { Bindings, BindingsOutcome } from '../../src/sip/bindings.js'
import { createMemoryBindings } from '../../src/sip/memory-bindings.js'
import { startRedis } from '../fixtures/redis.js'
import { BINDINGS_BEHAVIOUR, type Stage } from '../sip/bindings-behaviour.js'

const BOB = { realm: 'example.com', username: 'bob' }
const KEY = 'sipauth:bindings:example.com:bob'
const CHANGE = {
  callId: 'c1',
  cseq: 1,
  contacts: [
    { uri: 'sip:bob@a', key: 'a', expiresSeconds: 60 },
    { uri: 'sip:bob@b', key: 'b', expiresSeconds: 600 },
  ],
}

const server = await startRedis(t)
const redis = new Redis(server.socket, { maxRetriesPerRequest: 0, commandTimeout: 500 })
redis.on('error', () => undefined) // the test that stops the server looks at what the bindings do
t.teardown(() => redis.disconnect())
t.beforeEach(() => redis.flushall())

function stage(): Stage {
  let time = 1_800_000_000_123
  return {
    bindings: createRedisBindings({ redis, now: () => time }),
    advance: (milliseconds) => {
      time += milliseconds
    },
  }
}

/** Two nodes that take turns: each finds what the other left. */
function twoNodes(): Stage {
  const { bindings, advance } = stage()
  const other = stage()
  let turn = 0
  const next = (): Bindings => (turn++ % 2 === 0 ? bindings : other.bindings)
  return {
    bindings: { update: (...asked) => next().update(...asked), list: (address) => next().list(address) },
    advance(milliseconds) {
      advance(milliseconds)
      other.advance(milliseconds)
    },
  }
}

for (const [title, run] of BINDINGS_BEHAVIOUR) {
  t.test(`in Redis, ${title}`, (t) => run(t, stage()))
  t.test(`in Redis, with two nodes in turn, ${title}`, (t) => run(t, twoNodes()))
}

t.test(
  'whatever is asked in whatever order, a node that was there before comes to what a single one does',
  async (t) => {
    const contact = fc.record({
      uri: fc.constantFrom('sip:bob@a', 'sip:bob@b', 'sip:bob@c'),
      expiresSeconds: fc.constantFrom(0, 60, 600),
    })
    const step = fc.record({
      node: fc.nat(1),
      callId: fc.constantFrom('c1', 'c2'),
      cseq: fc.nat(20),
      contacts: fc.oneof(
        { weight: 5, arbitrary: fc.array(contact, { minLength: 1, maxLength: 3 }) },
        fc.constant('*' as const),
      ),
      advance: fc.constantFrom(0, 1_000, 60_000),
      withCount: fc.boolean(),
    })
    let number = 0
    const { failed, counterexample } = await fc.check(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
        let time = 1_800_000_000_123
        const address = { realm: 'example.com', username: `user${number++}` }
        const nodes = [0, 1].map(() => createRedisBindings({ redis, now: () => time }))
        const single = createMemoryBindings({ now: () => time })
        const uses = createRedisUseRecord({ redis: redis as RedisClient, now: () => time })
        for (const [index, { node, callId, cseq, contacts, advance, withCount }] of steps.entries()) {
          time += advance
          const keyed = contacts === '*' ? contacts : contacts.map((contact) => ({ ...contact, key: contact.uri }))
          const change = { callId, cseq, contacts: keyed }
          const prepared = withCount ? nodes[node]?.prepare?.(address, change) : undefined
          const use = {
            nonceId: 'n',
            expiresAtMs: time + 1,
            username: address.username,
            count: index + 1,
            response: '',
          }
          if (prepared) await uses.spend({ ...use, companion: prepared.companion })
          const found = prepared?.outcome() ?? (await nodes[node]?.update(address, change))
          const wanted = await single.update(address, change)
          if (outcomeText(found) !== outcomeText(wanted)) return false
        }
        return true
      }),
      { numRuns: 150 },
    )
    t.notOk(failed, JSON.stringify(counterexample))
  },
)

/** Without regard to the order of bindings and of their fields. */
function outcomeText(outcome: BindingsOutcome | undefined): string {
  const bindings = outcome?.outcome === 'done' ? outcome.bindings : []
  const texts = bindings.map(({ uri, callId, cseq, expiresAt }) => `${uri} ${callId} ${cseq} ${expiresAt}`)
  return [outcome?.outcome, ...texts.sort()].join('\n')
}

t.test('all that are changed in one turn are changed in few calls, those seen before without JSON', async (t) => {
  const { bindings } = stage()
  const users = Array.from({ length: 96 }, (_, index) => `user${index}`)
  const calls = async () => Number(/cmdstat_evalsha:calls=(\d+)/.exec(await redis.info('commandstats'))?.[1] ?? 0)
  const all = (cseq: number) =>
    Promise.all(users.map((username) => bindings.update({ realm: 'example.com', username }, { ...CHANGE, cseq })))
  const before = await calls()
  t.ok((await all(1)).every(({ outcome }) => outcome === 'done'))
  const between = await calls()
  t.equal(between - before, 3)
  t.ok((await all(2)).every(({ outcome }) => outcome === 'done'))
  t.equal((await calls()) - between, 1)
  t.match(await bindings.list({ realm: 'example.com', username: 'user95' }), [{ cseq: 2 }, { cseq: 2 }])
})

t.test('a key that holds something else fails its own change and no other of that turn', async (t) => {
  const { bindings } = stage()
  const users = ['alice', 'bob', 'carol'].map((username) => ({ realm: 'example.com', username }))
  const all = (cseq: number) => Promise.allSettled(users.map((user) => bindings.update(user, { ...CHANGE, cseq })))
  await all(1)
  await redis.del(KEY)
  await redis.hset(KEY, 'not', 'bindings')
  for (const cseq of [2, 3]) {
    const outcomes = await all(cseq)
    t.same(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    )
  }
  t.equal(await redis.hget(KEY, 'not'), 'bindings')
})

t.test('one key holds an address of record, and Redis forgets it with its last binding', async (t) => {
  const { bindings, advance } = stage()
  await bindings.update(BOB, CHANGE)
  t.same(await redis.keys('*'), [KEY])
  const left = await redis.pttl(KEY)
  t.ok(left > 590_000 && left <= 600_000, String(left))
  advance(1_000)
  await bindings.update(BOB, { callId: 'c1', cseq: 2, contacts: [{ uri: 'sip:bob@b', key: 'b', expiresSeconds: 0 }] })
  t.ok((await redis.pttl(KEY)) <= 59_000)
  await bindings.update(BOB, { callId: 'c1', cseq: 3, contacts: '*' })
  t.same(await redis.keys('*'), [])
})

t.test('a Redis that has lost its scripts is given the script again', async (t) => {
  const { bindings } = stage()
  await redis.script('FLUSH')
  t.match(await bindings.update(BOB, CHANGE), { outcome: 'done' })
})

t.test('a key that holds something else is a fault, and is not overwritten', async (t) => {
  const { bindings } = stage()
  await redis.set(KEY, '{"not":"bindings"}')
  await t.rejects(bindings.list(BOB))
  await redis.set(KEY, 'not JSON')
  await t.rejects(bindings.update(BOB, CHANGE))
  t.equal(await redis.get(KEY), 'not JSON')
})

t.test('why Redis did not make a change is said as Redis says it', async (t) => {
  const { bindings } = stage()
  await redis.config('SET', 'maxmemory', '1')
  try {
    await t.rejects(bindings.update(BOB, CHANGE), /^Redis did not change bindings: .*OOM command not allowed/)
  } finally {
    await redis.config('SET', 'maxmemory', '0')
  }
})

t.test('a Redis that does not answer is a fault, not an empty list', async (t) => {
  const { bindings } = stage()
  await bindings.update(BOB, CHANGE)
  server.pause()
  await t.rejects(bindings.list(BOB))
  await t.rejects(bindings.update(BOB, { ...CHANGE, cseq: 2 }))
  server.resume()
})
