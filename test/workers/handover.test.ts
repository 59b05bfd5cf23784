import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { createHandover, type Taker } from '../../src/workers/handover.js'
import { until } from '../fixtures/until.js'

/** A handover that listens at one door, and takers that answer with their names. */
async function setUp(t: Test) {
  const handover = createHandover()
  const url = await handover.listen('auth', '127.0.0.1', 0)
  const sockets = new Set<Socket>()
  t.teardown(() => {
    handover.close()
    for (const socket of sockets) socket.destroy()
  })

  const createTaker = (name: string): Taker => ({
    give(_door, socket) {
      sockets.add(socket)
      socket.write(name)
    },
  })

  const open = () => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1').setEncoding('utf8')
    socket.on('error', () => undefined) // whether it is reset or ended does not matter
    sockets.add(socket)
    return socket
  }

  return { handover, url, createTaker, open }
}

const answerOf = async (socket: Socket): Promise<string> => String((await once(socket, 'data'))[0])

t.test('takers get connections in turn, until they are taken out', async (t) => {
  const { handover, createTaker, open } = await setUp(t)
  const [one, two] = [createTaker('one'), createTaker('two')]
  handover.add(one)
  handover.add(two)
  const given = []
  for (let each = 0; each < 4; each++) given.push(await answerOf(open()))
  t.same(given, ['one', 'two', 'one', 'two'])
  handover.remove(one)
  t.equal(await answerOf(open()), 'two')
  t.equal(await answerOf(open()), 'two')
})

t.test('a connection waits while there is no taker, and what one does not take goes to the next', async (t) => {
  const { handover, createTaker, open } = await setUp(t)
  const early = answerOf(open())
  const given: Socket[] = []
  const dying: Taker = { give: (_door, socket) => given.push(socket) }
  handover.add(dying)
  await until(() => given.length > 0)
  handover.remove(dying)
  handover.add(createTaker('the next'))
  for (const socket of given) handover.pass('auth', socket)
  t.equal(await early, 'the next')
})

t.test('closing ends what waits and what comes back, and opens the port to others', async (t) => {
  const { handover, url, open } = await setUp(t)
  const waiting = open()
  await once(waiting, 'connect')
  const closed = once(waiting, 'close')
  handover.close()
  await closed
  const other = createHandover()
  t.teardown(() => other.close())
  t.equal(await other.listen('api', '127.0.0.1', Number(new URL(url).port)), url)
  await t.rejects(createHandover().listen('api', '127.0.0.1', Number(new URL(url).port)), { code: 'EADDRINUSE' })
})

t.test('a base URL is one that can be asked, also for all addresses and for IPv6', async (t) => {
  const handover = createHandover()
  t.teardown(() => handover.close())
  t.match(await handover.listen('api', '0.0.0.0', 0), /^http:\/\/127\.0\.0\.1:\d+$/)
  t.match(await handover.listen('auth', '::1', 0), /^http:\/\/\[::1\]:\d+$/)
})
