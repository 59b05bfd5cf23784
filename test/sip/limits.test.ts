import t from 'tap'
import { WebSocket } from 'ws'
import { LIMITS } from '../../src/sip/limits.js'
import { startNative } from './native.js'
import { tcpPhone } from './phone.js'
import { sipRequest } from './request.js'

const filler = (length: number): string => `X: ${'y'.repeat(length)}`

const REFUSED: readonly [what: string, text: string, status: number][] = [
  ['a message over 16 KB', sipRequest('MESSAGE', { body: 'b'.repeat(LIMITS.message) }), 513],
  ['a head over 12 KB', sipRequest('MESSAGE', { lines: [filler(LIMITS.head)] }), 513],
  ['a head of 97 lines', sipRequest('MESSAGE', { lines: Array(97 - 7).fill('X: y') }), 400],
  ['two Content-Length', sipRequest('MESSAGE', { lines: ['Content-Length: 0'] }), 400],
  ['a Content-Length that is no number', sipRequest('MESSAGE').replace('Length: 0', 'Length: x'), 400],
]
for (const [what, text, status] of REFUSED) {
  t.test(`${what} is ${status} over UDP`, async (t) => {
    const { phone, alive } = await startNative(t)
    t.equal((await (await phone()).ask(text)).status, status)
    t.equal(await alive(), 200)
  })
  t.test(`${what} is ${status} in a stream, which ends`, async (t) => {
    const { stream, alive } = await startNative(t)
    const bob = await stream()
    const ended = new Promise((resolve) => bob.socket.once('end', resolve))
    t.equal((await bob.ask(text)).status, status)
    await ended
    t.equal(await alive(), 200)
  })
}

t.test('no Content-Length is taken in a datagram, and 400 and the end in a stream', async (t) => {
  const { phone, stream } = await startNative(t)
  const text = sipRequest('OPTIONS').replace(/Content-Length.*\r\n/, '')
  t.equal((await (await phone()).ask(text)).status, 200)
  const bob = await stream()
  t.equal((await bob.ask(text)).status, 400)
  await bob.closed
})

t.test('a message of 16 KB with a head of 12 KB is read, in a datagram and in a stream', async (t) => {
  const { phone, stream } = await startNative(t)
  const bare = sipRequest('OPTIONS', { body: 'b'.repeat(LIMITS.message - LIMITS.head - 4), lines: [filler(0)] })
  const text = bare.replace(filler(0), filler(LIMITS.message - bare.length))
  t.equal(text.length, LIMITS.message)
  t.equal((await (await phone()).ask(text)).status, 200)
  t.equal((await (await stream()).ask(text)).status, 200)
})

t.test('another SIP version is 505', async (t) => {
  const { phone, stream } = await startNative(t)
  const text = sipRequest('OPTIONS').replace('SIP/2.0\r\n', 'SIP/3.0\r\n')
  t.equal((await (await phone()).ask(text)).status, 505)
  const bob = await stream()
  t.equal((await bob.ask(text)).status, 505)
  t.equal((await bob.ask(sipRequest('OPTIONS'))).status, 200, 'the stream goes on')
})

t.test('another SIP version is 505 where Via names it too, and the answer repeats that Via', async (t) => {
  const { phone } = await startNative(t)
  const bob = await phone()
  for (const version of ['3.0', '1.0', '2.1']) {
    const text = sipRequest('OPTIONS', { via: `SIP/${version}/UDP 127.0.0.1:9;branch=z9hG4bKv;rport` })
    const answer = await bob.ask(text.replace('SIP/2.0\r\n', `SIP/${version}\r\n`))
    t.equal(answer.status, 505)
    t.equal(answer.one('Via'), `SIP/${version}/UDP 127.0.0.1:9;branch=z9hG4bKv;received=127.0.0.1;rport=${bob.port}`)
  }
})

t.test('an Authorization over 4 KiB is 400, one of 4 KiB reaches the check', async (t) => {
  const { phone, authenticator } = await startNative(t)
  const bob = await phone()
  const value = (length: number): string => `Authorization: ${'a'.repeat(length)}`
  t.equal((await bob.ask(sipRequest('REGISTER', { lines: [value(4_097)] }))).status, 400)
  t.same(authenticator.asked, [])
  t.equal((await bob.ask(sipRequest('REGISTER', { lines: [value(4_096)] }))).status, 400)
  t.equal(authenticator.asked[0]?.authorizations[0]?.length, 4_096)
})

t.test('responses are dropped, over UDP and in a stream', async (t) => {
  const { phone, stream } = await startNative(t)
  const response = sipRequest('OPTIONS').replace(/^.*\r\n/, 'SIP/2.0 200 OK\r\n')
  for (const bob of [await phone(), await stream()]) {
    bob.send(response)
    t.match((await bob.ask(sipRequest('OPTIONS', { callId: 'mine' }))).one('Call-ID'), 'mine')
  }
})

t.test('a WebSocket message over 16 KB is 513 and the end', async (t) => {
  const { bound, alive } = await startNative(t, { addresses: { wsPort: 0 } })
  const socket = new WebSocket(`ws://${bound.ws}`, 'sip')
  const closed = new Promise((resolve) => socket.once('close', resolve))
  const answer = new Promise((resolve) => socket.once('message', (data) => resolve(String(data))))
  socket.on('open', () => socket.send(sipRequest('MESSAGE', { body: 'b'.repeat(LIMITS.message) })))
  t.match(await answer, /^SIP\/2\.0 513 /)
  await closed
  t.equal(await alive(), 200)
})

t.test('a WebSocket handshake that takes too long is the end of its connection', async (t) => {
  const { bound, alive } = await startNative(t, { limits: { messageMs: 50 }, addresses: { wsPort: 0 } })
  const port = Number(bound.ws?.split(':')[1])
  const [silent, slow] = [await tcpPhone(t, port), await tcpPhone(t, port)]
  slow.send('GET / HTTP/1.1\r\nHost: example.com\r\n')
  await Promise.all([silent.closed, slow.closed])
  t.equal(await alive(), 200)
})
