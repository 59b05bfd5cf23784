import { EventEmitter, once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import t from 'tap'
import { ANSWERING } from '../../src/answering.js'
import type { Authenticator } from '../../src/auth/authenticator.js'
import { followConnections } from '../../src/http-connections.js'
import { openLane } from '../../src/lookup/lane.js'
import type { Verify } from '../../src/lookup/verify.js'
import { answer } from '../auth/phone.js'
import { createRig, first } from '../auth/rig.js'
import type { Owner } from '../fixtures/process.js'
import { KNOWN_TOKENS } from '../fixtures/tenant.js'
import { until } from '../fixtures/until.js'
import { SILENT } from '../provision/stage.js'
import { createDice, generateRequest } from './generated-requests.js'
import { openLookup } from './in-process.js'
import { openWire, splitAnswers, withoutChance } from './wire.js'

const rig = createRig()
const { server, url } = await openLookup(t, rig)
const port = Number(new URL(url).port)
const challenge = first(await rig.challenges())
let count = 0
const nextAuthorization = () => answer(challenge, { nc: (++count).toString(16).padStart(8, '0') })

/** Who has answered since the test began. */
let answered = { inLane: 0, byNode: 0 }
server.server.on(ANSWERING, () => answered.inLane++)
server.server.on('request', () => answered.byNode++)
t.beforeEach(() => {
  answered = { inLane: 0, byNode: 0 }
})

const HEALTH = 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n'
const HEAD =
  'POST /v1/verify HTTP/1.1\r\nHost: x\r\n' +
  `Authorization: Bearer ${KNOWN_TOKENS.PROXY_TOKEN}\r\nContent-Type: application/x-www-form-urlencoded\r\n`
const post = (body: string) => `${HEAD}Content-Length: ${body.length}\r\n\r\n${body}`
const postJson = (text: string) => {
  const bytes = Buffer.from(text).toString('latin1')
  return `${HEAD.replace(/x-www\S+/, 'json')}Content-Length: ${bytes.length}\r\n\r\n${bytes}`
}
const right = () => post(`method=REGISTER&authorization=${encodeURIComponent(nextAuthorization())}`)

/** A connection that has left the lane, since what was asked on it first is not the lane's. */
async function openSlowWire(t: Owner) {
  const wire = await openWire(t, port)
  await wire.send(HEALTH)
  await wire.answers(1)
  return wire
}

/** The same door without its lane: node's own listener alone hears of connections. */
const plain = await openLookup(t, rig)
plain.server.server.removeAllListeners('connection')
for (const listener of createServer().listeners('connection')) {
  plain.server.server.on('connection', listener as (socket: Socket) => void)
}

/**
 * All that comes back for these bytes, once the client has ended its side; `first` was answered before. Where something follows that is no request,
 * node's parser may take back the answer to what came before it, depending on how the bytes were packed: then the
 * refusal alone counts.
 */
async function exchange(t: Owner, at: number, bytes: string, first?: string): Promise<string> {
  const wire = await openWire(t, at)
  if (first !== undefined) {
    await wire.send(first)
    await wire.answers(1)
  }
  const before = wire.received().length
  wire.socket.end(bytes, 'latin1')
  const text = withoutChance((await wire.closed()).slice(before))
  return text.slice(Math.max(0, text.search(REFUSAL)))
}

/** What becomes of bytes that node's parser cannot read. */
const REFUSAL = /HTTP\/1\.1 400 Bad Request\r\nContent-Length: 65\r\n/

t.test('what proxies send is answered in the lane, by the same bytes as the long way answers', async (t) => {
  const form = `method=REGISTER&realm=example.com&source_ip=192.0.2.7&user_agent=a+b`
  const json = JSON.stringify({ method: 'REGISTER', realm: 'example.com', identity: 'b\u00f6b' })
  const curl = HEAD.replace('Host', 'Accept: */*\r\nUser-Agent: curl/7.88.1\r\nHost')
  const asks = [
    () => right(),
    () => right().replace('/v1/verify', '/v1/verify?format=text'),
    () => post(form),
    () => `${curl.replace('/v1/verify', '/v1/verify?http=200')}Content-Length: ${form.length}\r\n\r\n${form}`,
    () => `${curl}Connection: keep-alive\r\nContent-Length: ${form.length}\r\n\r\n${form}`,
    () => postJson(json),
    // The fault names it, in UTF-8.
    () => postJson('{"b\u00f6b":"1","b\u00f6b":"2"}'),
    () => post('method=REGISTER&method=INVITE&realm=example.com'),
    () => post('realm=%zz'),
  ]
  const [lane, slow] = [await openWire(t, port), await openSlowWire(t)]
  for (const [index, make] of asks.entries()) {
    await lane.send(make())
    const ours = (await lane.answers(index + 1)).at(-1) ?? ''
    await slow.send(make())
    const theirs = (await slow.answers(index + 2)).at(-1) ?? ''
    t.equal(withoutChance(ours), withoutChance(theirs))
    t.match(ours, /^HTTP\/1\.1 (200|401|400) [\s\S]*\r\nConnection: keep-alive\r\nKeep-Alive: timeout=75\r\n\r\n/)
  }
  t.same(answered, { inLane: asks.length, byNode: asks.length + 1 })
})

t.test('thousands of generated requests, right ones and odd ones, are answered as the long way answers', async (t) => {
  const dice = createDice(20_261_122)
  const outcomes = new Map<string, number>()
  for (let n = 0; n < 1_000; n++) {
    const make = generateRequest(dice)
    const bytes = make(nextAuthorization())
    const before = answered.inLane
    const ours = await exchange(t, port, bytes)
    const isNodes = answered.inLane === before
    const theirs = await exchange(t, Number(new URL(plain.url).port), make(nextAuthorization()))
    const status = ours.slice(9, 12) || 'nothing'
    outcomes.set(status, (outcomes.get(status) ?? 0) + 1)
    // Both are node's; it has refused what follows before the answer was written.
    if (ours !== theirs && isNodes && REFUSAL.test(ours)) continue
    if (ours !== theirs) t.equal(ours, theirs, JSON.stringify(bytes.slice(0, 2_000)))
  }
  t.ok(answered.inLane > 300, `${answered.inLane} in the lane`)
  for (const status of ['200', '400', '401', '404', '405', '413', '415']) {
    t.ok((outcomes.get(status) ?? 0) > 3, `${status}: ${outcomes.get(status)}`)
  }
})

t.test('a head that differs in one byte from that of the request before is not taken for it', async (t) => {
  const plainPort = Number(new URL(plain.url).port)
  const form = 'method=REGISTER&realm=example.com'
  const bytes = post(form)
  const end = bytes.indexOf('\r\n\r\n') + 4
  const changed = Array.from({ length: end }, (_, at) => {
    const other = String.fromCharCode(bytes.charCodeAt(at) ^ 1)
    return bytes.slice(0, at) + other + bytes.slice(at + 1)
  })
  const lengths = [
    '0',
    '033',
    '+33',
    '-33',
    '33 ',
    '33,33',
    '33\r\nContent-Length: 4',
    '3',
    '34',
    '330',
    '65537',
    '999999',
  ]
  changed.push(
    ...lengths.map((length) => bytes.replace('Length: 33', `Length: ${length}`)),
    bytes.replace('33', '33\0'),
  )
  t.match(bytes, /Length: 33\r\n/)
  for (const request of changed) {
    const ours = await exchange(t, port, request, right())
    const theirs = await exchange(t, plainPort, request, right())
    if (ours !== theirs) t.equal(ours, theirs, JSON.stringify(request))
  }
  t.match(await exchange(t, port, bytes.replace('Bearer', 'Bearer x'), right()), /^HTTP\/1\.1 401 .*\r\n[\s\S]*"error"/)
})

t.test('a request that is split at any byte, or comes byte by byte, is the same request', async (t) => {
  const wire = await openWire(t, port)
  const whole = right().length
  let asked = 0
  for (let at = 1; at < whole; at++) {
    const bytes = right()
    await wire.send(bytes.slice(0, at))
    await wire.send(bytes.slice(at))
    t.match((await wire.answers(++asked)).at(-1), /^HTTP\/1\.1 200 OK\r\n/, `split at ${at}`)
  }
  for (const byte of right()) await wire.send(byte)
  t.match((await wire.answers(++asked)).at(-1), /^HTTP\/1\.1 200 OK\r\n/)
  // A machine that stands still for a second makes the connection leave the lane.
  t.equal(answered.inLane + answered.byNode, asked)
  t.ok(answered.inLane > 0)
})

t.test('requests that come at once are answered in their order, those that are not of the lane too', async (t) => {
  const wire = await openWire(t, port)
  const bad = post('method=REGISTER&realm=a%22b')
  await wire.send([right(), post('method=REGISTER&realm=b.example'), bad, HEALTH, right(), HEALTH].join(''))
  const answers = await wire.answers(6)
  t.same(
    answers.map((text) => text.slice(9, 12)),
    ['200', '401', '400', '200', '200', '200'],
  )
  t.match(answers[3], /{"status":"ok"}$/)
  t.match(answers[4], /"reason":"ok"/)
  t.same(answered, { inLane: 3, byNode: 3 })
})

t.test('a request that hides another one in its body hides it from both', async (t) => {
  const hidden = post('realm=hidden.example')
  const body = `method=REGISTER&realm=example.com&user_agent=\r\n\r\n${hidden}`
  const chunked = `${HEAD}Transfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`
  for (const bytes of [post(body), chunked]) {
    const wire = await openWire(t, port)
    await wire.send(bytes + HEALTH)
    const [told, health] = await wire.answers(2)
    t.match(told, /realm=\\"example\.com/)
    t.match(health, /{"status":"ok"}$/)
  }
  for (const framing of [
    `Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n`,
    `Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n`,
    `Content-Length: 4\r\nContent-Length: ${body.length}\r\n\r\n`,
    `Content-Length: +4\r\n\r\n`,
  ]) {
    const refused = await exchange(t, port, `${HEAD}${framing}${body}`)
    t.equal(splitAnswers(refused).length, 1, framing)
    t.match(refused, /^HTTP\/1\.1 400 /)
  }
})

t.test('a connection that says nothing, or half of a request, is left to the time limits of node', async (t) => {
  const accepted: Socket[] = []
  server.server.on('connection', (socket: Socket) => accepted.push(socket))
  const [silent, half] = [await openWire(t, port), await openWire(t, port)]
  const bytes = right()
  await half.send(bytes.slice(0, 100))
  await until(() => accepted.length === 2)
  // Only node's own listener waits for a timeout of the connection.
  await until(() => accepted.every((socket) => socket.listenerCount('timeout') > 0))
  await half.send(bytes.slice(100))
  await silent.send(right())
  for (const wire of [half, silent]) t.match(await wire.answers(1), [/"reason":"ok"/])
  t.same(answered, { inLane: 0, byNode: 2 })
})

t.test('a client that does not read its answers is not read from any further', async (t) => {
  const accepted = once(server.server, 'connection')
  const wire = await openWire(t, port)
  const [socket] = (await accepted) as [Socket]
  wire.socket.pause()
  const bytes = post('method=REGISTER&realm=example.com').repeat(200)
  let sent = 0
  while (!socket.isPaused()) {
    await new Promise((resolve) => setImmediate(resolve))
    if (wire.socket.writableLength > 1_000_000) continue
    wire.socket.write(bytes)
    sent += 200
  }
  t.ok(socket.writableLength < 1_000_000)
  wire.socket.resume()
  t.equal((await wire.answers(sent)).length, sent)
})

/** A lookup API whose checks end when the test says so. */
async function openWaiting(t: Owner) {
  const waiting = new EventEmitter()
  const authenticator: Authenticator = {
    async verify() {
      waiting.emit('asked')
      const [verdict] = await once(waiting, 'verdict')
      return verdict
    },
  }
  const opened = await openLookup(t, rig, { authenticator })
  return { ...opened, waiting, port: Number(new URL(opened.url).port) }
}

const UNSURE = { reason: 'unavailable', retryAfterSeconds: 5 }

t.test('whoever closes the door waits for the answers of the lane, and for no idle connection', async (t) => {
  const { server, waiting, port } = await openWaiting(t)
  const connections = followConnections([server.server])
  const [idle, silent, half, asking] = [
    await openWire(t, port),
    await openWire(t, port),
    await openWire(t, port),
    await openWire(t, port),
  ]
  const asked = once(waiting, 'asked')
  await idle.send(right())
  await asked
  waiting.emit('verdict', UNSURE)
  await idle.answers(1)
  await half.send(right().slice(0, 200))
  const askedAgain = once(waiting, 'asked')
  await asking.send(right() + right())
  await askedAgain
  connections.endIdle()
  const closed = server.close()
  await Promise.all([idle.closed(), silent.closed(), half.closed()])
  t.equal(asking.received(), '')
  waiting.emit('verdict', UNSURE)
  const [told, late] = await asking.answers(2)
  t.match(told, /^HTTP\/1\.1 503 Service Unavailable\r\nx-request-id: \w+\r\nretry-after: 5\r\n/)
  t.match(late, /^HTTP\/1\.1 503 Service Unavailable\r\n/, 'what was not begun is refused')
  t.notMatch(late, /unavailable"/, 'and not judged')
  await asking.closed()
  await closed
})

t.test('a connection on which nothing more is asked ends when its time is over, and no other', async (t) => {
  let time = 1_000_000
  const alone = createServer()
  const verify: Verify = async () => ({ status: 200, retryAfterSeconds: undefined, contentType: 'x/y', body: 'yes' })
  const lane = openLane(alone, { verify, showsToken: () => true, keepAliveMs: 5_000, log: SILENT, now: () => time })
  t.teardown(() => {
    lane.close()
    alone.close()
  })
  await once(alone.listen(0, '127.0.0.1'), 'listening')
  const { port } = alone.address() as AddressInfo
  const [early, late] = [await openWire(t, port), await openWire(t, port)]
  for (const wire of [early, late]) {
    await wire.send(post('x'))
    t.match(await wire.answers(1), [/\r\nKeep-Alive: timeout=5\r\n\r\nyes$/])
  }
  time += 4_999
  await late.send(post('x'))
  await late.answers(2)
  time += 1
  await early.closed()
  await late.send(post('x'))
  t.equal((await late.answers(3)).length, 3)
})

t.test('a check that fails is an internal error, in the lane as elsewhere', async (t) => {
  const authenticator: Authenticator = { verify: () => Promise.reject(new Error('nobody expects it')) }
  const { url } = await openLookup(t, rig, { authenticator })
  const failing = Number(new URL(url).port)
  const [lane, slow] = [await openWire(t, failing), await openWire(t, failing)]
  await slow.send(HEALTH)
  await slow.answers(1)
  for (const wire of [lane, slow]) await wire.send(right())
  const [ours] = await lane.answers(1)
  const [, theirs] = await slow.answers(2)
  t.equal(withoutChance(ours ?? ''), withoutChance(theirs ?? ''))
  t.match(ours, /^HTTP\/1\.1 500 [\s\S]*{"error":"internal error"}$/)
})
