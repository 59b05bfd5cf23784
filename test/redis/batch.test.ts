import { EventEmitter, once } from 'node:events'
import t from 'tap'
import { createBatch } from '../../src/redis/batch.js'

/** A batch whose calls are kept, and answered with twice the number that was asked. */
function createDoubling(
  most: number,
  ask = async (items: readonly number[]): Promise<readonly (number | Error)[]> => items.map((item) => item * 2),
) {
  const calls: (readonly number[])[] = []
  const double = createBatch<number, number>({
    most,
    ask: (items) => {
      calls.push(items)
      return ask(items)
    },
  })
  return { calls, double }
}

const nextTurn = () => new Promise((resolve) => setImmediate(resolve))

t.test('what is asked in one turn of the event loop is asked at once, and answered each its own', async (t) => {
  const { calls, double } = createDoubling(10)
  const answers = [1, 2, 3].map(double)
  await Promise.resolve().then(() => answers.push(double(4)))
  t.same(calls, [], 'not before the turn is over')
  t.same(await Promise.all(answers), [2, 4, 6, 8])
  t.equal(await double(5), 10)
  t.same(calls, [[1, 2, 3, 4], [5]])
})

t.test('no call asks more than it may', async (t) => {
  const { calls, double } = createDoubling(2)
  t.same(await Promise.all([1, 2, 3, 4, 5].map(double)), [2, 4, 6, 8, 10])
  t.same(calls, [[1, 2], [3, 4], [5]])
})

t.test('a call that fails, or answers less than it was asked, fails for all of it, and for no other', async (t) => {
  const answers: Readonly<Record<number, number[]>> = { 3: [6], 5: [10, 12] }
  const { double } = createDoubling(2, async ([first = 0]) => {
    const some = answers[first]
    if (some === undefined) throw new Error('away')
    return some
  })
  const outcomes = await Promise.allSettled([1, 2, 3, 4, 5, 6].map(double))
  const told = outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : outcome.reason.message))
  t.same(told, ['away', 'away', '2 were asked, 1 answered', '2 were asked, 1 answered', 10, 12])
})

t.test('what is asked while a call runs does not wait for its answer', async (t) => {
  const answered = new EventEmitter()
  const { calls, double } = createDoubling(2, async ([first]) => (first === 1 ? once(answered, 'answer') : [4]))
  const slow = double(1)
  await nextTurn()
  t.equal(await double(2), 4)
  t.same(calls, [[1], [2]])
  answered.emit('answer', 2)
  t.equal(await slow, 2)
})

t.test('an answer that is an error fails for its own item', async (t) => {
  const { double } = createDoubling(3, async () => [2, new Error('odd'), 6])
  const outcomes = await Promise.allSettled([1, 2, 3].map(double))
  t.match(outcomes, [{ value: 2 }, { reason: /odd/ }, { value: 6 }])
})
