import { type RemoteInfo, Socket } from 'node:dgram'
import t from 'tap'
import type { Limits } from '../../src/sip/limits.js'
import { startNative } from './native.js'
import { tcpPhone } from './phone.js'
import { sipRequest } from './request.js'

const OK = 'Authorization: ok'

/** A REGISTER let in by its Authorization, with one thing changed. */
const altered = (from: string | RegExp, to: string): string =>
  sipRequest('REGISTER', { lines: [OK, 'Contact: <sip:bob@a>'] }).replace(from, () => to)

const header = (line: string): string => altered('Content-Length', `${line}\r\nContent-Length`)

const blanks = ' '.repeat(11_000)
const repeated = (text: string, length = 11_000): string =>
  text.repeat(Math.ceil(length / text.length)).slice(0, length)

/** Datagrams that kill or stop a server built on careless parsers. */
const DATAGRAMS: Readonly<Record<string, string>> = {
  'a Via that ends in ;__proto__': altered(';rport', ';rport;__proto__'),
  'a Via parameter named constructor': altered(';rport', ';rport;constructor=x'),
  'a From parameter named __proto__': altered(';tag=f1', ';tag=f1;__proto__=x'),
  'a Contact parameter named __proto__': altered('<sip:bob@a>', '<sip:bob@a>;__proto__=x;constructor;prototype'),
  'a header named __proto__': header('__proto__: x'),
  'a header named constructor': header('constructor: x'),
  'a tel: URI everywhere': altered(/sip:/g, 'tel:'),
  'a SIP: scheme in capitals': altered('sip:example.com', 'SIP:EXAMPLE.COM'),
  'an IPv6 literal without an end': altered('sip:example.com', 'sip:[::1'),
  'To: < and blanks': altered(/To: .*/, `To: <${blanks}`),
  'To with blanks and no bracket': altered(/To: .*/, `To: a${' a'.repeat(5_000)}`),
  'From with open quotes': altered(/From: .*/, `From: "${repeated('\\"')}`),
  'a status line of blanks': `SIP/2.0 200${blanks}\r\n\r\n`,
  'a request line of blanks': altered('REGISTER ', `REGISTER${blanks}`),
  'many line ends': `${repeated('\r\n', 16_000)}x\r\n\r\n`,
  'many empty parameters': altered(';tag=f1', repeated(';')),
  'many parameters': altered(';tag=f1', repeated(';a=b')),
  'a long parameter': altered(';rport', `;rport;${repeated('a')}`),
  'many Via in one header': altered(';rport', repeated(';rport, SIP/2.0/UDP h')),
  'many blanks in a Via': altered('SIP/2.0/UDP ', `SIP/2.0/UDP${blanks}`),
  'a Contact list of brackets': header(`Contact: ${repeated('<>,')}`),
  'a Contact list of commas': header(`Contact: ${repeated(', ')}`),
  'a long Authorization': header(`Authorization: Digest ${repeated('a="b",')}`),
  'a Require of commas': header(`Require: ${repeated(',')}`),
  'a User-Agent of blanks': header(`User-Agent: x${blanks}x`),
  'a line of colons': header(repeated(':')),
  'folded lines only': header(`X: y${'\r\n '.repeat(60)}`),
  'a Content-Length of NaN': altered('Content-Length: 0', 'Content-Length: NaN'),
  'a datagram without an end': repeated('OPTIONS sip:x SIP/2.0\r\n', 16_000),
  zeros: repeated('\0', 16_000),
  'one byte': 'x',
  'nothing but line ends': '\r\n\r\n',
  'a line end in an escaped CSeq': altered(/CSeq: .*/, 'CSeq: 1 REGISTER%0D%0AX-Injected:%20yes'),
  'a status line': altered(/^.*\r\n/, 'SIP/2.0 200 OK\r\n'),
}

for (const [what, text] of Object.entries(DATAGRAMS)) {
  t.test(`over UDP and in a stream, ${what} neither kills nor stops the server`, async (t) => {
    const native = await startNative(t)
    const [phone, stream] = [await native.phone(), await native.stream()]
    for (let i = 0; i < 20; i++) phone.send(text)
    stream.send(text)
    t.equal(await native.alive(), 200)
    t.equal((await (await native.stream()).ask(sipRequest('OPTIONS'))).status, 200)
    const answered = phone.ask(sipRequest('OPTIONS', { callId: 'last' }))
    t.notMatch((await answered).text, /X-Injected/i)
  })
}

t.test('an answer that cannot be delivered is no fault: port 1, broadcast, an address of nobody', async (t) => {
  const native = await startNative(t)
  const phone = await native.phone()
  for (const via of ['SIP/2.0/UDP h:1', 'SIP/2.0/UDP 255.255.255.255:5060;maddr=255.255.255.255']) {
    phone.send(sipRequest('OPTIONS', { via }))
  }
  t.equal(await native.alive(), 200)
})

t.test('a datagram from source port 0 is dropped', async (t) => {
  const { bind } = Socket.prototype
  const sockets: Socket[] = []
  t.teardown(() => {
    Socket.prototype.bind = bind
  })
  Socket.prototype.bind = function (this: Socket, ...args: unknown[]) {
    sockets.push(this)
    return Reflect.apply(bind, this, args)
  } as typeof bind
  const native = await startNative(t)
  const remote: RemoteInfo = { address: '127.0.0.1', family: 'IPv4', port: 0, size: 1 }
  for (const socket of sockets) socket.emit('message', Buffer.from(sipRequest('REGISTER')), remote)
  t.equal(sockets.length, 1)
  t.equal(await native.alive(), 200)
  t.same(native.authenticator.asked, [])
})

const STREAMS: Readonly<Record<string, (text: string) => string>> = {
  'x and an empty line, ten thousand times': () => 'x\r\n\r\n'.repeat(10_000),
  'Content-Length: abc and data without end': (text) =>
    text.replace('Length: 0', 'Length: abc') + repeated('a', 500_000),
  'two Content-Length': (text) => text.replace('Content-Length', 'l: 0\r\nContent-Length'),
  'no Content-Length': (text) => text.replace(/Content-Length.*\r\n/, ''),
  'a Content-Length of a gigabyte': (text) => text.replace('Length: 0', 'Length: 1000000000'),
  'a head without end': () => repeated('X: y\r\n', 500_000),
  'a control character': (text) => text.replace('CSeq', 'X: \0\r\nCSeq'),
}

for (const [what, put] of Object.entries(STREAMS)) {
  t.test(`a stream with ${what} is ended, and others are served`, async (t) => {
    const native = await startNative(t)
    const stream = await native.stream()
    stream.send(put(sipRequest('OPTIONS')))
    await stream.closed
    t.equal(await native.alive(), 200)
  })
}

t.test('requests that are not let in leave nothing behind: no timer, no transaction, no second answer', async (t) => {
  const native = await startNative(t)
  const stream = await native.stream()
  const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
  t.equal((await stream.ask(sipRequest('OPTIONS'))).status, 200)
  const before = timers()
  const count = 2_000
  for (let i = 0; i < count; i++) stream.send(sipRequest(i % 2 ? 'INVITE' : 'REGISTER'))
  for (let i = 0; i < count; i++) if ((await stream.receive()).status !== 401) t.fail('it was not challenged')
  t.ok(timers() <= before + 1, `${timers()} timers, ${before} before`)
  t.match((await stream.ask(sipRequest('OPTIONS'))).one('CSeq'), /OPTIONS/)
})

t.test('a peer that never reads is cut off', async (t) => {
  const native = await startNative(t)
  const stream = await native.stream()
  stream.socket.pause()
  const via = `SIP/2.0/TCP h;branch=${'a'.repeat(10_000)}`
  let ended = false
  void stream.closed.then(() => {
    ended = true
  })
  while (!ended) {
    if (!stream.socket.write(sipRequest('OPTIONS', { via }))) {
      await Promise.race([stream.closed, new Promise((resolve) => stream.socket.once('drain', resolve))])
    }
  }
  t.equal(await native.alive(), 200)
})

const SLOW: readonly [what: string, limits: Partial<Limits>, messages: readonly string[]][] = [
  ['says nothing', { firstMessageMs: 30 }, []],
  ['says nothing but line ends', { firstMessageMs: 30 }, ['\r\n\r\n']],
  ['does not finish its first message', { firstMessageMs: 30 }, ['OPTIONS sip:example.com SIP/2.0\r\n']],
  ['does not finish a later message', { messageMs: 30 }, [sipRequest('OPTIONS'), 'OPTIONS sip:example.com']],
  ['says no more', { idleMs: 30 }, [sipRequest('OPTIONS')]],
]
for (const [what, limits, messages] of SLOW) {
  t.test(`a connection that ${what} is ended`, async (t) => {
    const native = await startNative(t, { limits })
    const stream = await native.stream()
    for (const message of messages) stream.send(message)
    await stream.closed
    t.equal(await native.alive(), 200)
  })
}

t.test('a message that comes byte by byte does not get more time with each byte', async (t) => {
  const native = await startNative(t, { limits: { messageMs: 60 } })
  const stream = await native.stream()
  t.equal((await stream.ask(sipRequest('OPTIONS'))).status, 200)
  const dripping = setInterval(() => stream.send('X'), 5)
  t.teardown(() => clearInterval(dripping))
  await stream.closed
  clearInterval(dripping)
  t.equal(await native.alive(), 200)
})

for (const limits of [{ connections: 2 }, { connectionsPerAddress: 2 }]) {
  t.test(`beyond ${Object.keys(limits)}, a new connection is ended and the others are served`, async (t) => {
    const native = await startNative(t, { limits })
    const [first, second] = [await native.stream(), await native.stream()]
    await (await native.stream()).closed
    t.equal((await first.ask(sipRequest('OPTIONS'))).status, 200)
    second.close()
    t.equal((await first.ask(sipRequest('OPTIONS'))).status, 200)
  })
}

const HANDSHAKE = [
  'GET / HTTP/1.1',
  'Host: h',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Protocol: sip',
  '\r\n',
].join('\r\n')

const MASK = [0, 0, 0, 0]
const FRAMES: Readonly<Record<string, readonly number[]>> = {
  'RSV bits': [0xf1, 0x80, ...MASK],
  'opcode 3': [0x83, 0x80, ...MASK],
  'a length of 4 GiB': [0x81, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, ...MASK],
  'close code 1': [0x88, 0x82, ...MASK, 0, 1],
  'no mask': [0x81, 0x01, 0x61],
  'text that is no UTF-8': [0x81, 0x81, ...MASK, 0xff],
  'text that is no SIP': [0x81, 0x85, ...MASK, 0x61, 0x0d, 0x0a, 0x0d, 0x0a],
}
for (const [what, bytes] of Object.entries(FRAMES)) {
  t.test(`a WebSocket frame with ${what} ends that connection alone`, async (t) => {
    const native = await startNative(t, { limits: { messageMs: 100 }, addresses: { wsPort: 0 } })
    const socket = await tcpPhone(t, Number(native.bound.ws?.split(':')[1]))
    t.equal((await socket.ask(HANDSHAKE)).text.split(' ')[1], '101')
    socket.send(Buffer.from(bytes))
    await socket.closed
    t.equal(await native.alive(), 200)
  })
}

t.test('a WebSocket handshake that never ends, or is no HTTP, ends that connection alone', async (t) => {
  const native = await startNative(t, { addresses: { wsPort: 0 } })
  const port = Number(native.bound.ws?.split(':')[1])
  for (const text of ['nonsense\r\n\r\n', `GET / HTTP/1.1\r\nX: ${'a'.repeat(20_000)}`]) {
    const socket = await tcpPhone(t, port)
    socket.send(text)
    await socket.closed
  }
  t.equal(await native.alive(), 200)
})
