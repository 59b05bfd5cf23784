import { EventEmitter, once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { fastify } from 'fastify'
import t, { type Test } from 'tap'
import { readConfig } from '../src/config.js'
import { createDoors, createHttpDoor } from '../src/doors.js'
import type { SipServer } from '../src/sip/server.js'
import { scratchFolder } from './fixtures/scratch.js'
import { until } from './fixtures/until.js'

const REQUEST = 'GET /slow HTTP/1.1\r\nHost: x\r\n\r\n'

/** Doors of which the one for the lookup API has a request that is answered when the test says so. */
async function openDoors(t: Test, { sip: other, ...times }: { sip?: SipServer; answersMs: number; allMs: number }) {
  const [api, lookup] = [fastify(), fastify({ forceCloseConnections: 'idle' })]
  const slow = new EventEmitter()
  lookup.get('/slow', async () => {
    slow.emit('asked')
    const [answer] = await once(slow, 'answer')
    return answer
  })
  const sip: SipServer = other ?? { listen: async () => ({}), close: async () => undefined }
  const doors = createDoors({ http: createHttpDoor({ api, lookup }, times.answersMs), sip }, times.allMs)
  const env = { API_PORT: '0', AUTH_PORT: '0', SIP_PORT: 'off', DATA_DIR: await scratchFolder('data') }
  const bound = await doors.open(readConfig(env))
  t.teardown(async () => {
    slow.emit('answer', 'late')
    await Promise.all([api.close(), lookup.close()])
  })
  return { doors, bound, slow }
}

/** A connection on which something was said, or nothing. */
async function say(t: Test, url: string, text: string): Promise<Socket> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  // Which of an end and a reset it is depends on what the server had read.
  socket.on('error', () => undefined)
  t.teardown(() => socket.destroy())
  await once(socket, 'connect')
  if (text) await new Promise((resolve) => socket.write(text, resolve))
  return socket.resume()
}

t.test('closing ends at once what asks for nothing, and answers what was asked', async (t) => {
  const { doors, bound, slow } = await openDoors(t, { answersMs: 60_000, allMs: 60_000 })
  const idle = [
    await say(t, bound.api, ''),
    await say(t, bound.auth, ''),
    await say(t, bound.auth, 'POST /v1/ver'),
    await say(t, bound.api, 'POST /2010-04-01/Accounts.json HTTP/1.1\r\nHost'),
  ]
  const asked = once(slow, 'asked')
  const asking = await say(t, bound.auth, REQUEST)
  let answered = ''
  asking.setEncoding('utf8').on('data', (text) => {
    answered += text
  })
  await asked
  const ended = idle.map((socket) => once(socket, 'close'))
  const closed = doors.close()
  await Promise.all(ended)
  t.equal(answered, '', 'all of them while the request still runs')
  const end = once(asking, 'close')
  slow.emit('answer', 'the answer')
  await closed
  await end
  t.match(answered, /^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\nthe answer$/)
})

t.test('a request that is not answered in time is cut off', async (t) => {
  const { doors, bound, slow } = await openDoors(t, { answersMs: 1, allMs: 60_000 })
  const asked = once(slow, 'asked')
  const asking = await say(t, bound.auth, REQUEST)
  await asked
  const end = once(asking, 'close')
  await t.resolves(doors.close())
  await end
})

t.test('a door that does not close does not hold up what is closed after it', async (t) => {
  const sip: SipServer = { listen: async () => ({}), close: () => new Promise(() => undefined) }
  const { doors } = await openDoors(t, { answersMs: 1, allMs: 2, sip })
  await t.rejects(doors.close(), { message: 'no answer within 2 ms' })
})

t.test('connections that another process accepted are served as those of a server of its own', async (t) => {
  const [api, lookup] = [fastify(), fastify({ http: { headersTimeout: 100, connectionsCheckingInterval: 10 } })]
  const slow = new EventEmitter()
  lookup.get('/slow', async () => {
    slow.emit('asked')
    const [answer] = await once(slow, 'answer')
    return answer
  })
  const door = createHttpDoor({ api, lookup }, 60_000)
  const take = await door.adopt()
  const taken: boolean[] = []
  const acceptor = createServer({ allowHalfOpen: true }, (socket) => taken.push(take('auth', socket)))
  acceptor.listen(0, '127.0.0.1')
  await once(acceptor, 'listening')
  t.teardown(() => acceptor.close())
  const url = `http://127.0.0.1:${(acceptor.address() as AddressInfo).port}`

  const late = await say(t, url, 'GET /slow HTTP/1.1\r\nHost')
  await once(late, 'close')
  t.pass('a head that does not arrive in time is not waited for')

  const asked = once(slow, 'asked')
  const asking = await say(t, url, REQUEST)
  let answered = ''
  asking.setEncoding('utf8').on('data', (text) => {
    answered += text
  })
  await asked
  const end = once(asking, 'close')
  let isClosed = false
  const closed = door.close().then(() => {
    isClosed = true
  })
  const refused = await say(t, url, '')
  await until(() => taken.length === 3)
  t.same(taken, [true, true, false], 'a door that closes takes none')
  t.notOk(isClosed, 'and waits for the answer')
  slow.emit('answer', 'the answer')
  await Promise.all([closed, end])
  t.match(answered, /^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\nthe answer$/)
  refused.destroy()
})
