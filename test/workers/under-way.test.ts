import { EventEmitter, once } from 'node:events'
import { Socket } from 'node:net'
import t, { type Test } from 'tap'
import { followUnderWay, type GivenConnection } from '../../src/workers/under-way.js'

/** Connections to a worker that is called at once, and that answers or not. */
function setUp(t: Test, answers: () => Promise<void>) {
  const events = new EventEmitter<{ called: []; heard: [lost: readonly GivenConnection[]]; dead: [] }>()
  const happened: string[] = []
  const underWay = followUnderWay({
    silenceMs: 1,
    async call() {
      events.emit('called')
      await answers()
    },
    onSilent: () => happened.push('silent'),
    onHeard(lost) {
      happened.push('heard')
      events.emit('heard', lost)
    },
    onDead() {
      happened.push('dead')
      events.emit('dead')
    },
  })
  t.teardown(() => underWay.takeAll())
  return { underWay, events, happened }
}

const connection = (): GivenConnection => ({ door: 'auth', socket: new Socket() })

t.test('a connection that a worker never got comes back once the worker answers, what it took does not', async (t) => {
  const { underWay, events, happened } = setUp(t, async () => undefined)
  const [taken, lost] = [connection(), connection()]
  const id = underWay.add(taken)
  underWay.add(lost)
  t.equal(underWay.take(id), taken)
  const [given] = await once(events, 'heard')
  t.same(given, [lost])
  t.same(happened, ['silent', 'heard'])
  t.same(underWay.takeAll(), [])
})

t.test('what a worker is given after it was called is not lost when it answers', async (t) => {
  const calling = new EventEmitter()
  const { underWay, events } = setUp(t, async () => void (await once(calling, 'answer')))
  const [early, late] = [connection(), connection()]
  const called = once(events, 'called')
  underWay.add(early)
  await called
  underWay.add(late)
  const heard = once(events, 'heard')
  calling.emit('answer')
  t.same(await heard, [[early]])
  const heardAgain = once(events, 'heard')
  await once(events, 'called')
  calling.emit('answer')
  t.same(await heardAgain, [[late]], 'it has its own time')
})

t.test('a worker that is called and does not answer is dead, and its connections are there for others', async (t) => {
  const { underWay, events, happened } = setUp(t, () => Promise.reject(new Error('no answer')))
  const given = connection()
  underWay.add(given)
  await once(events, 'dead')
  t.same(happened, ['silent', 'dead'])
  t.same(underWay.takeAll(), [given])
})
