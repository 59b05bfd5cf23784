import t from 'tap'
import { createRedisMirror } from '../../src/mirror/redis-mirror.js'
import { connectRedis } from '../../src/redis/client.js'
import { startRedis } from '../fixtures/redis.js'
import { until } from '../fixtures/until.js'
import { SILENT } from '../provision/stage.js'

const TOO_LATE = { message: 'Command timed out' }
const AT_ONCE = { message: 'Redis did not answer a moment ago' }

t.test('while Redis hangs, one command a second waits for it, and the others fail at once', async (t) => {
  const server = await startRedis(t)
  let time = 0
  const redis = connectRedis(server.url, SILENT, () => time)
  t.teardown(() => redis.disconnect())
  let unasked = 0
  redis.on('unasked', () => unasked++)
  const mirror = createRedisMirror(redis)
  await until(() => mirror.current)
  server.pause()
  t.teardown(() => server.resume())
  await t.rejects(redis.get('x'), TOO_LATE)
  t.notOk(mirror.current, 'the database is asked first')
  await t.rejects(mirror.findHa1('example.com', 'alice', 'ha1'), AT_ONCE)
  time += 999
  await t.rejects(redis.get('x'), AT_ONCE)
  t.ok(unasked >= 2, 'each of them is told of')
  time += 1
  t.ok(mirror.current)
  const [first, ...others] = [redis.get('x'), redis.get('x'), redis.set('x', '1')]
  for (const other of others) await t.rejects(other, AT_ONCE)
  await t.rejects(first, TOO_LATE)
  await t.rejects(redis.get('x'), AT_ONCE)
  await t.rejects(redis.ping(), TOO_LATE, 'PING is always sent')
})

t.test('an answer that comes late, or another connection, ends the rest', async (t) => {
  const server = await startRedis(t)
  const redis = connectRedis(server.url, SILENT, () => 0)
  t.teardown(() => redis.disconnect())
  await until(() => redis.status === 'ready')
  server.pause()
  await t.rejects(redis.get('x'), TOO_LATE)
  t.notOk(redis.answering)
  server.resume()
  await until(() => redis.answering)
  t.equal(await redis.get('x'), null)

  server.pause()
  await t.rejects(redis.get('x'), TOO_LATE)
  process.kill(server.pid(), 'SIGKILL')
  await until(() => redis.status !== 'ready')
  t.notOk(redis.answering)
  await server.restart()
  await until(() => redis.answering)
  t.equal(await redis.get('x'), null)
})

t.test('a command for which there is no connection fails in words', async (t) => {
  const redis = connectRedis('redis://127.0.0.1:1', SILENT)
  t.teardown(() => redis.disconnect())
  await t.rejects(redis.get('x'), { message: 'Redis is not connected' })
})

t.test('an error that Redis answers with is an answer, a late one too', async (t) => {
  const server = await startRedis(t)
  const redis = connectRedis(server.url, SILENT, () => 0)
  t.teardown(() => redis.disconnect())
  await until(() => redis.status === 'ready')
  await redis.set('x', '1')
  server.pause()
  await t.rejects(redis.hget('x', 'y'), TOO_LATE)
  t.notOk(redis.answering)
  server.resume()
  await until(() => redis.answering)
  await t.rejects(redis.hget('x', 'y'), /WRONGTYPE/)
  t.ok(redis.answering)
  t.equal(await redis.get('x'), '1')
})
