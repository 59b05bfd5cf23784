import t from 'tap'
import { createActorQueue } from '../../src/api/actor-queue.js'

t.test(
  'of one account four requests are worked on at a time, a thousand wait, and more are told to come again',
  async (t) => {
    const queue = createActorQueue()
    const begun: number[] = []
    const ends: (() => void)[] = []
    const work = (number: number) => () => {
      begun.push(number)
      return new Promise<number>((resolve) => ends.push(() => resolve(number)))
    }
    const all = Array.from({ length: 1_004 }, (_, number) => queue.run('ann', work(number)))
    await t.rejects(queue.run('ann', work(-1)), { code: 'too_many_requests', headers: { 'retry-after': '1' } })
    t.strictSame(begun, [0, 1, 2, 3])
    t.equal(await queue.run('bob', async () => 'done'), 'done', 'another account does not wait')
    ends.shift()?.()
    t.equal(await all[0], 0)
    t.strictSame(begun, [0, 1, 2, 3, 4], 'who came first is next')
    for (let number = 1; number < all.length; number++) {
      ends.shift()?.()
      t.equal(await all[number], number)
    }
    t.equal(begun.length, 1_004)
  },
)

t.test('a request that fails makes room as well', async (t) => {
  const queue = createActorQueue()
  const failing = async () => {
    throw new Error('refused')
  }
  for (let number = 0; number < 10; number++) await t.rejects(queue.run('ann', failing), { message: 'refused' })
  t.equal(await queue.run('ann', async () => 'done'), 'done')
})
