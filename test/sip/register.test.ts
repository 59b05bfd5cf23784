import t from 'tap'
import { BINDINGS_MAX, type Bindings } from '../../src/sip/bindings.js'
import { startNative } from './native.js'
import { type RequestOptions, sipRequest } from './request.js'

const OK = 'Authorization: ok'

/** A REGISTER whose digest is right. */
function register(lines: readonly string[], options: RequestOptions = {}): string {
  return sipRequest('REGISTER', { ...options, lines: [OK, ...lines] })
}

t.test('a REGISTER without Authorization is challenged with one line for each algorithm', async (t) => {
  const { phone, authenticator } = await startNative(t)
  const bob = await phone()
  const answer = await bob.ask(
    sipRequest('REGISTER', { to: '<sip:bob@Example.COM>', lines: ['User-Agent: desk'], callId: 'c1' }),
  )
  t.equal(answer.status, 401)
  t.same(answer.all('WWW-Authenticate'), [
    'Digest realm="example.com", nonce="n1", algorithm=MD5, qop="auth"',
    'Digest realm="example.com", nonce="n1", algorithm=SHA-256, qop="auth"',
  ])
  t.match(authenticator.asked[0], {
    method: 'REGISTER',
    domain: 'example.com',
    identity: 'bob',
    uri: 'sip:example.com',
    sourceIp: '127.0.0.1',
    userAgent: 'desk',
    callId: 'c1',
    authorizations: [],
  })
})

t.test('the answer repeats Via, From, Call-ID and CSeq, and adds a To tag', async (t) => {
  const { phone } = await startNative(t)
  const bob = await phone()
  const via = 'SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKx;rport, SIP/2.0/TCP [2001:db8::1]:5060;branch=z9hG4bKy'
  const answer = await bob.ask(
    sipRequest('REGISTER', { via, from: '"B <o> b" <sip:bob@example.com>;tag=f', callId: 'c', cseq: 3 }),
  )
  t.same(answer.all('Via'), [
    `SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKx;received=127.0.0.1;rport=${bob.port}`,
    'SIP/2.0/TCP [2001:db8::1]:5060;branch=z9hG4bKy',
  ])
  t.equal(answer.one('From'), '"B <o> b" <sip:bob@example.com>;tag=f')
  t.match(answer.one('To'), /^<sip:bob@example\.com>;tag=[0-9a-f]{16}$/)
  t.equal(answer.one('Call-ID'), 'c')
  t.equal(answer.one('CSeq'), '3 REGISTER')
  t.equal(answer.one('Content-Length'), '0')
})

t.test('a binding is listed with the seconds that it has left, and is gone after them', async (t) => {
  const { phone, advance } = await startNative(t)
  const bob = await phone()
  const first = await bob.ask(register(['Contact: <sip:bob@192.0.2.1:5062;transport=udp>;expires=100;q=0.5']))
  t.equal(first.status, 200)
  t.equal(first.one('Contact'), '<sip:bob@192.0.2.1:5062;transport=udp>;expires=100;q=0.5')
  advance(40_000)
  t.equal((await bob.ask(register([]))).one('Contact'), '<sip:bob@192.0.2.1:5062;transport=udp>;expires=60;q=0.5')
  advance(60_000)
  t.same((await bob.ask(register([]))).all('Contact'), [])
})

const expiries: [what: string, lines: string[], seconds: number][] = [
  ['3600 where none is asked', ['Contact: <sip:bob@h>'], 3600],
  ['what Expires asks', ['Contact: <sip:bob@h>', 'Expires: 120'], 120],
  ['what the contact asks, whatever Expires does', ['Contact: <sip:bob@h>;expires=90', 'Expires: 120'], 90],
  ['7200 at most', ['Contact: <sip:bob@h>;expires=4294967295'], 7200],
  ['3600 for what is no number', ['Contact: <sip:bob@h>;expires=soon'], 3600],
  ['60 at least', ['Contact: <sip:bob@h>', 'Expires: 60'], 60],
]
for (const [what, lines, seconds] of expiries) {
  t.test(`a binding lasts ${what}`, async (t) => {
    const { phone } = await startNative(t)
    const answer = await (await phone()).ask(register(lines))
    t.equal(answer.one('Contact'), `<sip:bob@h>;expires=${seconds}`)
  })
}

t.test('a binding shorter than 60 s is refused with 423 and Min-Expires, and nothing is bound', async (t) => {
  const { phone } = await startNative(t)
  const bob = await phone()
  const answer = await bob.ask(register(['Contact: <sip:bob@a>, <sip:bob@b>;expires=59']))
  t.equal(answer.status, 423)
  t.equal(answer.one('Min-Expires'), '60')
  t.same((await bob.ask(register([]))).all('Contact'), [])
})

t.test('several contacts are bound, refreshed and removed one by one', async (t) => {
  const { phone } = await startNative(t)
  const bob = await phone()
  await bob.ask(register(['Contact: <sip:bob@a>', 'm: <sips:bob@b>;expires=100']))
  const refreshed = await bob.ask(register(['Contact: <sip:bob@A>;expires=500']))
  t.same(refreshed.one('Contact').split(', ').sort(), ['<sip:bob@A>;expires=500', '<sips:bob@b>;expires=100'])
  const removed = await bob.ask(register(['Contact: <sip:bob@a>;expires=0']))
  t.equal(removed.one('Contact'), '<sips:bob@b>;expires=100')
})

t.test('Contact: * with Expires: 0 removes all', async (t) => {
  const { phone } = await startNative(t)
  const bob = await phone()
  await bob.ask(register(['Contact: <sip:bob@a>, <sip:bob@b>']))
  const answer = await bob.ask(register(['Contact: *', 'Expires: 0']))
  t.equal(answer.status, 200)
  t.same(answer.all('Contact'), [])
})

const refused: [what: string, text: string, status: number][] = [
  ['Contact: * without Expires', register(['Contact: *']), 400],
  ['Contact: * with another Expires', register(['Contact: *', 'Expires: 60']), 400],
  ['Contact: * beside another contact', register(['Contact: *', 'Contact: <sip:bob@a>', 'Expires: 0']), 400],
  ['a Contact that is no SIP URI', register(['Contact: <mailto:bob@example.com>']), 400],
  ['a To without a user', register([], { to: '<sip:example.com>' }), 400],
  ['a To that is no SIP URI', register([], { to: '<tel:+1>' }), 400],
  ['a Request-URI that is no SIP URI', register([], { uri: 'tel:+1' }), 416],
  ['the address of record of another user', sipRequest('REGISTER', { lines: ['Authorization: ok alice'] }), 403],
  [
    'an address of record in another realm',
    sipRequest('REGISTER', { lines: ['Authorization: ok bob other.com'] }),
    404,
  ],
  [
    'what the authenticator finds to be of another user',
    sipRequest('REGISTER', { lines: ['Authorization: identity_mismatch'] }),
    403,
  ],
]
for (const [what, text, status] of refused) {
  t.test(`${what} is refused with ${status}`, async (t) => {
    const { phone } = await startNative(t)
    t.equal((await (await phone()).ask(text)).status, status)
  })
}

t.test('a CSeq that is not higher fails with 500 and leaves what was bound', async (t) => {
  const { phone } = await startNative(t)
  const bob = await phone()
  await bob.ask(register(['Contact: <sip:bob@a>;expires=100'], { callId: 'same', cseq: 5 }))
  const late = await bob.ask(register(['Contact: <sip:bob@a>;expires=900, <sip:bob@b>'], { callId: 'same', cseq: 5 }))
  t.equal(late.status, 500)
  t.equal((await bob.ask(register([]))).one('Contact'), '<sip:bob@a>;expires=100')
})

t.test('more contacts than one address of record may have are refused, and none of them is bound', async (t) => {
  const { phone } = await startNative(t)
  const bob = await phone()
  const contacts = Array.from({ length: BINDINGS_MAX + 1 }, (_, i) => `<sip:bob@h${i}>`).join(', ')
  const answer = await bob.ask(register([`Contact: ${contacts}`]))
  t.match(answer, { status: 403, reason: 'Too Many Bindings' })
  t.same((await bob.ask(register([]))).all('Contact'), [])
})

for (const uri of ['sip:192.0.2.1', 'sip:registrar.example.net:5060;transport=udp', 'sip:bob@example.com']) {
  t.test(`a REGISTER to ${uri} is for the domain in To, and its digest for that Request-URI`, async (t) => {
    const { phone, authenticator } = await startNative(t)
    const answer = await (await phone()).ask(register(['Contact: <sip:bob@a>'], { uri }))
    t.equal(answer.status, 200)
    t.match(authenticator.asked[0], { domain: 'example.com', identity: 'bob', uri })
  })
}

t.test('user names are compared as they are written, never percent-decoded', async (t) => {
  const { phone, authenticator } = await startNative(t)
  const bob = await phone()
  await bob.ask(register(['Contact: <sip:x@a>'], { to: '<sip:b%6fb@example.com>' }))
  t.equal(authenticator.asked[0]?.identity, 'b%6fb')
  t.same((await bob.ask(register([]))).all('Contact'), [], 'nothing was bound for bob')
})

t.test('bindings that cannot be reached are 503 with Retry-After, counted, and not a loss of the phone', async (t) => {
  const away = async (): Promise<never> => {
    throw new Error('connection lost')
  }
  const bindings: Bindings = { update: away, list: away }
  const { phone, alive, metrics } = await startNative(t, { bindings })
  const answer = await (await phone()).ask(register(['Contact: <sip:bob@a>']))
  t.equal(answer.status, 503)
  t.match(answer.one('Retry-After'), /^\d+$/)
  t.match((await metrics.bindingsFailed.get()).values, [{ value: 1 }])
  t.equal(await alive(), 200)
})
