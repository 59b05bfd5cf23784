import t from 'tap'
import { createHashReader } from '../../src/redis/hash-reader.js'
import { startRedis } from '../fixtures/redis.js'
import { openRedis } from '../provision/stage.js'

const server = await startRedis(t)
const redis = await openRedis(t, server.url)
const read = createHashReader(redis, ['one', 'two'])

const callsOf = async (command: string) => {
  const stats = await redis.info('commandstats')
  return Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(stats)?.[1] ?? 0)
}

t.test('one hash is read at once; those that are asked for while it is being read, together', async (t) => {
  for (let n = 0; n < 100; n++) await redis.hset(`hash${n}`, { one: `${n}`, ...(n % 2 && { two: `ü${n}` }) })
  t.same(await read('hash7'), ['7', 'ü7'])
  t.equal(await callsOf('evalsha'), 0)
  const answers = await Promise.all(Array.from({ length: 101 }, (_, n) => read(`hash${n}`)))
  t.same(answers.slice(0, 3), [
    ['0', null],
    ['1', 'ü1'],
    ['2', null],
  ])
  t.same(answers[100], [null, null], 'there is none')
  // Four of them, and as many again, since none of the four knew that the script had to be sent.
  t.equal((await callsOf('evalsha')) + (await callsOf('eval')), 8)
  t.same(await read('hash8'), ['8', null])
})

t.test('what is no hash fails alone, read by itself or with others', async (t) => {
  await redis.set('text', 'text')
  await redis.hset('hash', { one: '1' })
  await t.rejects(read('text'), /WRONGTYPE/)
  const outcomes = await Promise.allSettled(['hash', 'text', 'hash'].map(read))
  t.match(outcomes, [
    { status: 'fulfilled', value: ['1', null] },
    { status: 'rejected', reason: /WRONGTYPE/ },
    { status: 'fulfilled', value: ['1', null] },
  ])
  const all = await Promise.allSettled(['hash', 'hash', 'text', 'hash'].map(read))
  t.same(
    all.map(({ status }) => status),
    ['fulfilled', 'fulfilled', 'rejected', 'fulfilled'],
  )
})

t.test('a Redis that has forgotten the script is sent it again', async (t) => {
  await redis.script('FLUSH')
  t.same(await Promise.all(['hash', 'hash', 'hash'].map(read)), Array(3).fill(['1', null]))
})
