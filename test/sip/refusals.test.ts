import t from 'tap'
import { startNative } from './native.js'
import { sipRequest } from './request.js'

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
  t.equal((await bob.ask(sipRequest('REGISTER', { ...options, lines: ['Authorization: ok'] }))).status, 200)
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
