import t from 'tap'
import { answer, REALM, USERNAME } from '../auth/phone.js'
import { createRig } from '../auth/rig.js'
import { startNative } from './native.js'
import { sipRequest } from './request.js'

const lines = ['Authorization: ok']
const toAlice = { uri: 'sip:alice@Example.com', lines }

t.test(
  'an INVITE without Authorization is challenged for the realm of its Request-URI and the user in From',
  async (t) => {
    const { phone, authenticator } = await startNative(t)
    const answer = await (await phone()).ask(
      sipRequest('INVITE', { uri: 'sip:alice@Example.com;user=phone', body: 'v=0' }),
    )
    t.equal(answer.status, 401)
    t.match(authenticator.asked[0], { method: 'INVITE', domain: 'example.com', identity: 'bob' })
    t.equal(authenticator.asked[0]?.uri, 'sip:alice@Example.com;user=phone')
    t.equal(String(authenticator.asked[0]?.body), 'v=0')
  },
)

t.test('the host of an IPv6 literal is named without its brackets', async (t) => {
  const { phone, authenticator } = await startNative(t)
  t.equal((await (await phone()).ask(sipRequest('INVITE', { uri: 'sip:alice@[2001:DB8::1]:5060' }))).status, 401)
  t.equal(authenticator.asked[0]?.domain, '2001:db8::1')
})

for (const method of ['INVITE', 'MESSAGE', 'SUBSCRIBE', 'BYE', 'NOTIFY', 'FROBNICATE']) {
  t.test(`an authenticated ${method} is redirected to the callee's contacts, the most preferred first`, async (t) => {
    const { phone } = await startNative(t)
    const bob = await phone()
    const to = '<sip:alice@example.com>'
    await bob.ask(
      sipRequest('REGISTER', { to, lines: ['Authorization: ok alice', 'm: <sip:alice@a>;q=0.2, <sip:alice@b>'] }),
    )
    const answer = await bob.ask(sipRequest(method, toAlice))
    t.equal(answer.status, 302)
    t.equal(answer.one('Contact'), '<sip:alice@b>, <sip:alice@a>;q=0.2')
  })
}

t.test('a callee without a binding is redirected to the next hop', async (t) => {
  const { phone } = await startNative(t, { nextHop: 'sip:trunk.example.net;lr' })
  const answer = await (await phone()).ask(sipRequest('INVITE', toAlice))
  t.equal(answer.status, 302)
  t.equal(answer.one('Contact'), '<sip:trunk.example.net;lr>')
})

t.test('a callee without a binding is 404 where there is no next hop', async (t) => {
  const { phone } = await startNative(t)
  const bob = await phone()
  t.equal((await bob.ask(sipRequest('INVITE', toAlice))).status, 404)
  t.equal((await bob.ask(sipRequest('MESSAGE', { uri: 'sip:example.com', lines }))).status, 404)
})

t.test('a From that names no SIP user is challenged, and nobody calls with it', async (t) => {
  const { checks, challenges } = createRig()
  const { phone } = await startNative(t, { authenticator: checks.authenticator })
  const bob = await phone()
  const uri = `sip:bob@${REALM}`
  for (const from of ['<tel:+1>;tag=f', `<sip:${REALM}>;tag=f`]) {
    const challenged = await bob.ask(sipRequest('INVITE', { uri, from }))
    t.equal(challenged.status, 401)
    t.match(challenged.one('WWW-Authenticate'), `realm="${REALM}"`)
    const [challenge] = await challenges()
    if (!challenge) throw new Error('no challenge')
    const authorization = `Authorization: ${answer(challenge, { method: 'INVITE', uri })}`
    t.equal((await bob.ask(sipRequest('INVITE', { uri, from, lines: [authorization] }))).status, 403)
    const named = sipRequest('INVITE', { uri, from: `<sip:${USERNAME}@${REALM}>;tag=f`, lines: [authorization] })
    t.equal((await bob.ask(named)).status, 404, 'the same Authorization is right for its own user')
  }
})

t.test('OPTIONS is answered without a check, with what is understood', async (t) => {
  const { phone, authenticator } = await startNative(t)
  const answer = await (await phone()).ask(sipRequest('OPTIONS'))
  t.equal(answer.status, 200)
  t.match(answer.one('Allow'), /\bREGISTER\b/)
  t.equal(answer.one('Accept'), 'application/sdp')
  t.same(answer.all('Supported'), [''])
  t.same(authenticator.asked, [])
})

t.test('Require of what is unknown is 420 with the option tags in Unsupported, before any check', async (t) => {
  const { phone, authenticator } = await startNative(t)
  const answer = await (await phone()).ask(sipRequest('INVITE', { lines: ['Require: 100rel, path', 'Require: gruu'] }))
  t.match(answer, { status: 420, reason: 'Bad Extension' })
  t.equal(answer.one('Unsupported'), '100rel, path, gruu')
  t.same(authenticator.asked, [])
})

t.test('a Request-URI that is no SIP URI is 416', async (t) => {
  const { phone } = await startNative(t)
  t.equal((await (await phone()).ask(sipRequest('INVITE', { uri: 'tel:+12125551234' }))).status, 416)
})

t.test('a sip: URI that cannot be understood is 400', async (t) => {
  const { phone } = await startNative(t)
  t.equal((await (await phone()).ask(sipRequest('INVITE', { uri: 'sip:alice@[::1' }))).status, 400)
})
