import { mock } from 'node:test'
import t from 'tap'
import { createTransactions } from '../../src/sip/transactions.js'
import { startNative } from './native.js'
import { sipRequest } from './request.js'

const OK = ['Authorization: ok']

t.test('a retransmission of an authenticated request gets the same answer and no second check', async (t) => {
  const { phone, authenticator } = await startNative(t)
  const bob = await phone()
  const request = sipRequest('REGISTER', { lines: [...OK, 'Contact: <sip:bob@a>'] })
  const first = await bob.ask(request)
  const second = await bob.ask(request)
  t.equal(second.text, first.text)
  t.equal(authenticator.asked.length, 1)
})

t.test('a retransmission that comes while the first is being checked is dropped', async (t) => {
  const { phone, authenticator } = await startNative(t)
  const bob = await phone()
  const release = authenticator.hold()
  const request = sipRequest('REGISTER', { lines: OK })
  bob.send(request)
  bob.send(request)
  await bob.ask(sipRequest('OPTIONS')) // both have been read
  release()
  t.equal((await bob.receive()).one('CSeq'), /CSeq: (.*)/.exec(request)?.[1])
  t.equal((await bob.ask(sipRequest('OPTIONS'))).one('CSeq').split(' ')[1], 'OPTIONS', 'there was no second answer')
  t.equal(authenticator.asked.length, 1)
})

t.test('a request without Authorization is answered without state: each copy is challenged', async (t) => {
  const { phone, authenticator } = await startNative(t)
  const bob = await phone()
  const request = sipRequest('REGISTER')
  const first = await bob.ask(request)
  const second = await bob.ask(request)
  t.equal(second.text, first.text, 'with the same To tag')
  t.equal(authenticator.asked.length, 2)
})

for (const method of ['REGISTER', 'INVITE']) {
  t.test(
    `a retransmission of a ${method} with a wrong password gets the same answer and no second check`,
    async (t) => {
      const { phone, authenticator, advance } = await startNative(t)
      const bob = await phone()
      const request = sipRequest(method, { lines: ['Authorization: bad_response'] })
      const first = await bob.ask(request)
      t.equal(first.status, 401)
      advance(31_000)
      for (let i = 0; i < 12; i++) t.equal((await bob.ask(request)).text, first.text)
      t.equal(authenticator.asked.length, 1)
      advance(2_000)
      await bob.ask(request)
      t.equal(authenticator.asked.length, 2, 'after 32 s it is no retransmission any longer')
    },
  )
}

t.test('a refusal is kept for its own request alone: another Authorization, or another port, is checked', async (t) => {
  const { phone, authenticator } = await startNative(t)
  const [bob, eve] = [await phone(), await phone()]
  const options = { callId: 'c', cseq: 2, via: 'SIP/2.0/UDP 127.0.0.1:9;rport;branch=z9hG4bKc' }
  const wrong = sipRequest('REGISTER', { ...options, lines: ['Authorization: bad_response'] })
  t.equal((await bob.ask(wrong)).status, 401)
  t.equal((await eve.ask(wrong)).status, 401)
  t.equal((await bob.ask(sipRequest('REGISTER', { ...options, lines: OK }))).status, 200)
  t.equal(authenticator.asked.length, 3)
})

t.test('the ACK of a refused INVITE is not answered', async (t) => {
  const { phone } = await startNative(t)
  const bob = await phone()
  const options = { callId: 'c', cseq: 2, via: 'SIP/2.0/UDP 127.0.0.1:9;rport;branch=z9hG4bKc' }
  const lines = ['Authorization: bad_response']
  t.equal((await bob.ask(sipRequest('INVITE', { ...options, lines }))).status, 401)
  bob.send(sipRequest('ACK', { ...options, lines }))
  t.match((await bob.ask(sipRequest('OPTIONS'))).one('CSeq'), /OPTIONS/)
})

t.test('nothing is kept of what a stream refused, since a stream sends nothing again', async (t) => {
  const { stream, authenticator } = await startNative(t)
  const bob = await stream()
  const request = sipRequest('REGISTER', { lines: ['Authorization: bad_response'] })
  await bob.ask(request)
  await bob.ask(request)
  t.equal(authenticator.asked.length, 2)
})

t.test('beyond the limit of refusals, the oldest is forgotten', async (t) => {
  const { phone, authenticator } = await startNative(t, { limits: { refusals: 1 } })
  const bob = await phone()
  const [first, second] = [1, 2].map(() => sipRequest('REGISTER', { lines: ['Authorization: bad_response'] }))
  for (const request of [first, second, second, first]) await bob.ask(request ?? '')
  t.equal(authenticator.asked.length, 3)
})

t.test('without a branch, the next request of a phone is not taken for a retransmission', async (t) => {
  const { phone } = await startNative(t)
  const bob = await phone()
  const via = 'SIP/2.0/UDP 127.0.0.1:9;rport'
  t.equal((await bob.ask(sipRequest('REGISTER', { via, callId: 'c', cseq: 1, lines: OK }))).status, 200)
  t.equal((await bob.ask(sipRequest('REGISTER', { via, callId: 'c', cseq: 2 }))).status, 401)
})

t.test('a captured request from another port is checked and not answered from the transaction', async (t) => {
  const { phone, authenticator } = await startNative(t)
  const request = sipRequest('REGISTER', { lines: OK })
  await (await phone()).ask(request)
  await (await phone()).ask(request)
  t.equal(authenticator.asked.length, 2)
})

t.test("an INVITE's final answer is sent again until its ACK", async (t) => {
  const { phone } = await startNative(t)
  const bob = await phone()
  const options = {
    uri: 'sip:alice@example.com',
    callId: 'inv',
    cseq: 9,
    via: 'SIP/2.0/UDP 127.0.0.1:9;rport;branch=z9hG4bKi',
  }
  const first = await bob.ask(sipRequest('INVITE', { ...options, lines: OK }))
  t.equal(first.status, 404)
  const again = await bob.receive()
  t.equal(again.text, first.text)
  bob.send(sipRequest('ACK', options))
  t.equal((await bob.ask(sipRequest('OPTIONS'))).one('CSeq').split(' ')[1], 'OPTIONS', 'the ACK itself is not answered')
})

t.test('an ACK ends the retransmissions, and without one they end after 32 s', async (t) => {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.teardown(() => mock.timers.reset())
  const transactions = createTransactions(10)
  const sent = { acked: 0, silent: 0, stream: 0 }
  const start = (key: keyof typeof sent, reliable: boolean): void =>
    transactions.complete(key, 'INVITE', { status: 404, reliable, send: () => void sent[key]++ })
  start('acked', false)
  start('silent', false)
  start('stream', true)
  mock.timers.tick(500)
  t.same(sent, { acked: 2, silent: 2, stream: 1 }, 'a stream loses nothing, so nothing is sent again on it')
  t.ok(transactions.absorb('acked', 'ACK'))
  mock.timers.tick(1_000)
  t.equal(sent.acked, 2)
  t.equal(sent.silent, 3)
  t.ok(transactions.absorb('stream', 'INVITE'))
  t.equal(sent.stream, 2, 'a retransmission is answered on a stream too')
  for (let i = 0; i < 32; i++) mock.timers.tick(1_000)
  t.equal(transactions.size, 0)
})

t.test('where there are too many transactions, the oldest gives way', async (t) => {
  const transactions = createTransactions(3)
  t.teardown(transactions.destroy)
  for (const key of ['a', 'b', 'c', 'd']) {
    transactions.complete(key, 'REGISTER', { status: 200, reliable: false, send: () => undefined })
  }
  t.equal(transactions.size, 3)
  t.notOk(transactions.has('a'))
  t.ok(transactions.has('d'))
})

t.test(
  'CANCEL is 200 where it matches an INVITE that is being answered or was, else 481, and never challenged',
  async (t) => {
    const { phone, authenticator } = await startNative(t)
    const bob = await phone()
    const options = {
      uri: 'sip:alice@example.com',
      callId: 'inv',
      cseq: 9,
      via: 'SIP/2.0/UDP 127.0.0.1:9;rport;branch=z9hG4bKi',
    }
    t.equal((await bob.ask(sipRequest('CANCEL', options))).status, 481)
    const release = authenticator.hold()
    bob.send(sipRequest('INVITE', { ...options, lines: OK }))
    t.equal((await bob.ask(sipRequest('CANCEL', { ...options, lines: ['Require: x'] }))).status, 200)
    release()
    const final = await bob.receive()
    t.equal(final.status, 404)
    const cancelled = await bob.ask(sipRequest('CANCEL', options))
    t.equal(cancelled.status, 200)
    t.equal(cancelled.one('To'), final.one('To'), 'both answers have one To tag')
    bob.send(sipRequest('ACK', options))
    t.equal(authenticator.asked.length, 1)
  },
)

t.test('an ACK without a transaction is not answered, whatever is wrong with it', async (t) => {
  const { phone, authenticator } = await startNative(t)
  const bob = await phone()
  bob.send(sipRequest('ACK'))
  bob.send(sipRequest('ACK', { lines: ['Require: x'] }))
  bob.send(sipRequest('ACK').replace('SIP/2.0\r\n', 'SIP/7.0\r\n'))
  t.match((await bob.ask(sipRequest('OPTIONS'))).one('CSeq'), /OPTIONS/)
  t.same(authenticator.asked, [])
})

t.test('beyond the limit of checks at one time, more are told to come again later', async (t) => {
  const { phone, authenticator } = await startNative(t, { limits: { inFlight: 1 } })
  const bob = await phone()
  const release = authenticator.hold()
  bob.send(sipRequest('REGISTER', { lines: OK }))
  const busy = await bob.ask(sipRequest('REGISTER', { lines: OK }))
  t.equal(busy.status, 503)
  t.match(busy.one('Retry-After'), /^\d+$/)
  release()
  t.equal((await bob.receive()).status, 200)
})
