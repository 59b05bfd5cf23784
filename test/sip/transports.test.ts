import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import t from 'tap'
import { WebSocket } from 'ws'
import { runProcess } from '../fixtures/process.js'
import { scratchFolder } from '../fixtures/scratch.js'
import { startNative } from './native.js'
import { answerQueue, tcpPhone } from './phone.js'
import { sipRequest } from './request.js'

const OK = ['Authorization: ok']

function portOf(address: string | undefined): number {
  return Number(address?.split(':')[1])
}

async function certificate(): Promise<{ cert: string; key: string }> {
  const folder = await scratchFolder('tls')
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  const subject = ['-subj', '/CN=localhost', '-days', '2', '-nodes', '-keyout', key, '-out', cert]
  const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', ...subject]
  const { code, stderr } = await runProcess({ command: 'openssl', args })
  if (code !== 0) throw new Error(stderr)
  return { cert: await readFile(cert, 'utf8'), key: await readFile(key, 'utf8') }
}

const tls = certificate()

t.test('with rport, a datagram is answered to where it came from, with received and rport (RFC 3581)', async (t) => {
  const { phone } = await startNative(t)
  const bob = await phone()
  const answer = await bob.ask(sipRequest('OPTIONS', { via: 'SIP/2.0/UDP 10.9.9.9:7;rport;branch=z9hG4bKr' }))
  t.equal(answer.one('Via'), `SIP/2.0/UDP 10.9.9.9:7;branch=z9hG4bKr;received=127.0.0.1;rport=${bob.port}`)
})

t.test(
  "without rport, a datagram is answered to its source address and the Via's port (RFC 3261 section 18.2.2)",
  async (t) => {
    const { phone } = await startNative(t)
    const [bob, other] = [await phone(), await phone()]
    bob.send(sipRequest('OPTIONS', { via: `SIP/2.0/UDP phone.invalid:${other.port};branch=z9hG4bKr` }))
    t.match((await other.receive()).one('Via'), /phone\.invalid:\d+;branch=z9hG4bKr;received=127\.0\.0\.1$/)
  },
)

t.test('what the sender says itself about received and rport is replaced', async (t) => {
  const { phone } = await startNative(t)
  const bob = await phone()
  const answer = await bob.ask(sipRequest('OPTIONS', { via: 'SIP/2.0/UDP h;received=8.8.8.8;rport=1' }))
  t.equal(answer.one('Via'), `SIP/2.0/UDP h;received=127.0.0.1;rport=${bob.port}`)
})

t.test('a phone registers over TCP, several requests in one piece and one request in many', async (t) => {
  const { stream } = await startNative(t)
  const bob = await stream()
  const via = 'SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bK'
  const first = sipRequest('REGISTER', { via: `${via}1`, lines: OK, cseq: 1 })
  const second = sipRequest('MESSAGE', { via: `${via}2`, lines: OK, cseq: 2, body: 'hello' })
  bob.send(`\r\n\r\n${first}${second}`)
  t.same([(await bob.receive()).status, (await bob.receive()).status], [200, 404])
  for (const byte of sipRequest('OPTIONS', { via: `${via}3` })) bob.send(byte)
  t.equal((await bob.receive()).status, 200)
})

t.test('the source address of a TCP request is given to the check', async (t) => {
  const { stream, authenticator } = await startNative(t)
  await (await stream()).ask(sipRequest('REGISTER'))
  t.equal(authenticator.asked[0]?.sourceIp, '127.0.0.1')
})

t.test('a phone registers over TLS', async (t) => {
  const { bound } = await startNative(t, { addresses: { tlsPort: 0, tls: await tls } })
  const socket = connectTls({ port: portOf(bound.sips), host: '127.0.0.1', rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  const bob = await tcpPhone(t, 0, socket)
  const request = sipRequest('REGISTER', {
    lines: [...OK, 'Contact: <sips:bob@a;transport=tls>'],
    to: '<sips:bob@example.com>',
  })
  t.equal((await bob.ask(request)).one('Contact'), '<sips:bob@a;transport=tls>;expires=3600')
})

t.test('what is no TLS handshake ends that connection alone, and its place is free again', async (t) => {
  const limits = { connectionsPerAddress: 2 }
  const { bound, alive } = await startNative(t, { limits, addresses: { tlsPort: 0, tls: await tls } })
  const port = portOf(bound.sips)
  const garbage = await tcpPhone(t, port)
  garbage.send(sipRequest('OPTIONS'))
  await garbage.closed
  for (let i = 0; i < 4; i++) {
    const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false })
    await once(socket, 'secureConnect')
    const bob = await tcpPhone(t, 0, socket)
    t.equal((await bob.ask(sipRequest('OPTIONS'))).status, 200)
    bob.send('nonsense\r\n\r\n')
    await bob.closed
  }
  t.equal(await alive(), 200)
})

t.test('a phone registers over WebSocket with the subprotocol sip (RFC 7118)', async (t) => {
  const { bound, authenticator } = await startNative(t, { addresses: { wsPort: 0 } })
  const socket = new WebSocket(`ws://${bound.ws}`, 'sip')
  t.teardown(() => socket.terminate())
  const queue = answerQueue()
  socket.on('message', (data, isBinary) => {
    t.notOk(isBinary)
    queue.push(String(data))
  })
  await once(socket, 'open')
  t.equal(socket.protocol, 'sip')
  socket.send('\r\n\r\n') // a keep-alive
  const via = 'SIP/2.0/WS df7jal23ls0d.invalid;branch=z9hG4bKw'
  const contact = 'Contact: <sip:bob@df7jal23ls0d.invalid;transport=ws>;expires=600'
  socket.send(sipRequest('REGISTER', { via, lines: [...OK, contact] }).replace(/Content-Length.*\r\n/, ''))
  const answer = await queue.receive()
  t.equal(answer.one('Contact'), '<sip:bob@df7jal23ls0d.invalid;transport=ws>;expires=600')
  t.equal(answer.one('Via'), `${via};received=127.0.0.1`)
  t.equal(authenticator.asked[0]?.sourceIp, '127.0.0.1')
})

t.test('a WebSocket without the subprotocol sip is refused, and so is plain HTTP', async (t) => {
  const { bound } = await startNative(t, { addresses: { wsPort: 0 } })
  const socket = new WebSocket(`ws://${bound.ws}`, 'chat')
  const [error] = await once(socket, 'error')
  t.match(error.message, /401/)
  t.equal((await fetch(`http://${bound.ws}/`)).status, 426)
})
