import t from 'tap'
import { startRedis } from '../fixtures/redis.js'
import { openRedis } from '../provision/stage.js'

const server = await startRedis(t)

/** How many times Redis read from its clients, this question apart. */
async function reads(): Promise<number> {
  return Number(/total_reads_processed:(\d+)/.exec(await server.cli('INFO', 'stats'))?.[1])
}

t.test('commands of one turn are sent together and answered each for itself', async (t) => {
  const redis = await openRedis(t, server.url)
  const before = await reads()
  const keys = Array.from({ length: 200 }, (_, n) => `key${n}`)
  const written = await Promise.all(keys.map((key, n) => redis.set(key, String(n))))
  const used = (await reads()) - before
  t.same(new Set(written), new Set(['OK']))
  t.ok(used < 20, `${used} writes for 200 commands`)
  const [first, wrong, last] = await Promise.allSettled([
    redis.get('key0'),
    redis.hget('key1', 'x'),
    redis.get('key199'),
  ])
  t.match(first, { value: '0' })
  t.match(wrong, { reason: /WRONGTYPE/ })
  t.match(last, { value: '199' })
})

t.test('a connection lost in the turn of a command holds nothing back', async (t) => {
  const redis = await openRedis(t, server.url)
  const lost = Promise.allSettled([redis.get('a'), redis.get('b'), redis.get('c')])
  redis.disconnect(true)
  await lost
  await new Promise((resolve) => redis.once('ready', resolve))
  t.same(await Promise.all([redis.set('a', '1'), redis.get('a')]), ['OK', '1'])
})
