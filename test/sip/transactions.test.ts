import t from 'tap'
import { startNative } from './native.js'
import { sipRequest } from './request.js'
import { transactionRig } from './transaction-rig.js'

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

t.test('another request is kept for 32 s on UDP, and not at all on a stream (RFC 3261 section 17.2.2)', async (t) => {
  const { transactions, sent, complete, absorb, advance } = transactionRig()
  complete('udp', 'REGISTER')
  complete('tcp', 'REGISTER', true)
  t.equal(transactions.size, 1)
  t.notOk(absorb('tcp', 'REGISTER'))
  advance(31_000)
  t.ok(absorb('udp', 'REGISTER'))
  t.same(sent, ['answer to udp', 'answer to tcp', 'answer to udp'])
  advance(1_001)
  t.notOk(absorb('udp', 'REGISTER'), 'also where it was asked for meanwhile')
})

for (const method of ['REGISTER', 'INVITE']) {
  t.test(`where there are too many transactions, the oldest ${method} gives way`, async (t) => {
    const { transactions, complete } = transactionRig({ invites: 3, answers: 3 })
    t.teardown(transactions.destroy)
    for (const key of ['a', 'b', 'c', 'd']) complete(key, method)
    t.equal(transactions.size, 3)
    t.notOk(transactions.has('a'))
    t.ok(transactions.has('d'))
  })
}

t.test('large answers are kept up to a sum of bytes', async (t) => {
  const { transactions, complete } = transactionRig({ answerBytes: 30 })
  for (const key of ['a', 'b', 'c', 'd']) complete(key, 'REGISTER')
  t.equal(transactions.size, 2, 'of 11 bytes each')
})

t.test('two thousand right checks a second are kept for 32 s', async (t) => {
  const { complete, absorb } = transactionRig()
  for (let i = 0; i < 64_000; i++) complete(`${i}`, 'REGISTER')
  t.ok(absorb('0', 'REGISTER'))
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
