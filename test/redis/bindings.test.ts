import { Redis } from 'ioredis'
import t from 'tap'
import { createRedisBindings } from '../../src/redis/bindings.js'
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

for (const [title, run] of BINDINGS_BEHAVIOUR) {
  t.test(`in Redis, ${title}`, (t) => run(t, stage()))
}

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

t.test('a Redis that does not answer is a fault, not an empty list', async (t) => {
  const { bindings } = stage()
  await bindings.update(BOB, CHANGE)
  server.pause()
  await t.rejects(bindings.list(BOB))
  await t.rejects(bindings.update(BOB, { ...CHANGE, cseq: 2 }))
  server.resume()
})
