import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'
import t from 'tap'
import { createLog } from '../../src/log.js'
import { createMetrics } from '../../src/metrics.js'
import { createMemoryBindings } from '../../src/sip/memory-bindings.js'
import { createSipServer, type SipAddresses } from '../../src/sip/server.js'
import { freePort } from '../fixtures/ports.js'
import { startNative } from './native.js'
import { tcpPhone } from './phone.js'
import { sipRequest } from './request.js'
import { scriptedAuthenticator } from './scripted-authenticator.js'

const OFF: SipAddresses = { host: '127.0.0.1', port: 'off', tlsPort: 'off', wsPort: 'off', tls: undefined }

function server() {
  const bindings = createMemoryBindings({ now: Date.now })
  const log = createLog('silent')
  const metrics = createMetrics()
  const authenticator = scriptedAuthenticator()
  return createSipServer({ authenticator, bindings, nextHop: undefined, metrics, log, now: Date.now })
}

t.test('port 0 takes one free number for UDP and TCP', async (t) => {
  const { bound, alive, stream } = await startNative(t)
  t.match(bound.sip, /^127\.0\.0\.1:[1-9]\d*$/)
  t.equal(await alive(), 200)
  t.equal((await (await stream()).ask(sipRequest('OPTIONS'))).status, 200)
})

t.test('what is off is not opened', async (t) => {
  const sip = server()
  t.teardown(() => sip.close())
  t.same(await sip.listen(OFF), {})
})

t.test('a port that UDP or TCP has taken rejects with EADDRINUSE and leaves nothing open', async (t) => {
  const port = await freePort()
  const udp = createSocket('udp4')
  udp.bind(port, '127.0.0.1')
  await once(udp, 'listening')
  await t.rejects(server().listen({ ...OFF, wsPort: 0, port }), { code: 'EADDRINUSE' })
  udp.close()
  const tcp = createServer().listen(port, '127.0.0.1')
  await once(tcp, 'listening')
  await t.rejects(server().listen({ ...OFF, port }), { code: 'EADDRINUSE' })
  tcp.close()
  await once(tcp, 'close')
  const sip = server()
  t.teardown(() => sip.close())
  t.same(await sip.listen({ ...OFF, port }), { sip: `127.0.0.1:${port}` }, 'the port is free afterwards')
})

t.test('a WebSocket port that is taken closes UDP and TCP again', async (t) => {
  const [port, wsPort] = [await freePort(), await freePort()]
  const taken = createServer().listen(wsPort, '127.0.0.1')
  t.teardown(() => taken.close())
  await once(taken, 'listening')
  await t.rejects(server().listen({ ...OFF, port, wsPort }), { code: 'EADDRINUSE' })
  const sip = server()
  t.teardown(() => sip.close())
  t.same(await sip.listen({ ...OFF, port }), { sip: `127.0.0.1:${port}` })
})

t.test('TLS without a certificate, or with one that is none, is refused', async (t) => {
  await t.rejects(server().listen({ ...OFF, tlsPort: 0 }), /certificate/)
  await t.rejects(server().listen({ ...OFF, tlsPort: 0, tls: { cert: 'x', key: 'y' } }))
})

t.test('it serves on IPv6 and names its address in brackets', async (t) => {
  const { bound, phone } = await startNative(t, { addresses: { host: '::' } })
  t.match(bound.sip, /^\[::\]:\d+$/)
  const port = Number(bound.sip?.split(']:')[1])
  const bob = await tcpPhone(t, port)
  t.match((await bob.ask(sipRequest('OPTIONS'))).one('Via'), /;received=127\.0\.0\.1;/, 'IPv4 in its own form')
  t.ok(phone)
})

t.test('the host to listen at may be a name', async (t) => {
  const { bound, alive } = await startNative(t, { addresses: { host: 'localhost' } })
  t.match(bound.sip, /^localhost:\d+$/)
  t.equal(await alive(), 200)
})

t.test('close reads nothing new, answers what is being answered, and then is gone', async (t) => {
  const { server, authenticator, phone, stream } = await startNative(t)
  const [bob, eve] = [await phone(), await stream()]
  const release = authenticator.hold()
  eve.send(sipRequest('REGISTER', { lines: ['Authorization: ok'] }))
  bob.send(sipRequest('REGISTER', { lines: ['Authorization: ok'] }))
  await Promise.all([bob.ask(sipRequest('OPTIONS')), eve.ask(sipRequest('OPTIONS'))]) // all have been read
  const closing = server.close()
  bob.send(sipRequest('REGISTER', { lines: ['Authorization: ok'] }))
  eve.send(sipRequest('OPTIONS'))
  release()
  t.match([await bob.receive(), await eve.receive()], [{ status: 200 }, { status: 200 }])
  await closing
  await eve.closed
  t.equal(authenticator.asked.length, 2)
})

t.test('close does not wait for ever for an answer that does not come', async (t) => {
  const { server, authenticator, phone } = await startNative(t, { limits: { drainMs: 20 } })
  const bob = await phone()
  authenticator.hold()
  bob.send(sipRequest('REGISTER', { lines: ['Authorization: ok'] }))
  await bob.ask(sipRequest('OPTIONS'))
  await server.close()
  t.equal(authenticator.asked.length, 1)
})
