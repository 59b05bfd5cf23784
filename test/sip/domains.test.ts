import t, { type Test } from 'tap'
import type { SipDomain } from '../../src/sip-domain.js'
import { DOMAIN, PASSWORD, REALM } from '../auth/phone.js'
import { createRig } from '../auth/rig.js'
import { answerChallenge, readChallenge } from '../fixtures/digest-answer.js'
import { startNative } from './native.js'
import { type RequestOptions, sipRequest } from './request.js'

const CONTACT = '<sip:bob@192.0.2.9>'

/** Native SIP with the real checks and a SIP domain whose realm has alice and bob. */
async function startAt(t: Test, domain: Partial<SipDomain>) {
  const rig = createRig()
  rig.add('bob', PASSWORD)
  rig.addDomain(domain)
  const { phone } = await startNative(t, { authenticator: rig.checks.authenticator })
  const { ask } = await phone()

  /** Asks without credentials, and again with them where there is a challenge. */
  async function logIn(method: string, username: string, uri: string, options: RequestOptions = {}) {
    const first = await ask(sipRequest(method, { ...options, uri }))
    if (first.status !== 401) return first
    const claim = { username, password: PASSWORD, method, uri }
    const authorization = answerChallenge(first.one('WWW-Authenticate'), claim)
    const lines = [...(options.lines ?? []), `Authorization: ${authorization}`]
    return ask(sipRequest(method, { ...options, uri, lines }))
  }

  return {
    ask,
    register: (host: string, lines: readonly string[] = [], to = `<sip:bob@${host}>`) =>
      logIn('REGISTER', 'bob', `sip:${host}`, { to, lines }),
    /** A call from alice. */
    call: (uri: string) => logIn('INVITE', 'alice', uri, { from: `<sip:alice@${DOMAIN}>;tag=a` }),
  }
}

t.test('who registers at a SIP domain is called there, and at its realm', async (t) => {
  const { ask, register, call } = await startAt(t, { registrations: ['CL1'], calls: ['CL1'] })
  const challenged = await ask(sipRequest('REGISTER', { uri: `sip:${DOMAIN}`, to: `<sip:bob@${DOMAIN}>` }))
  t.match(challenged, { status: 401 })
  t.equal(readChallenge(challenged.one('WWW-Authenticate')).realm, REALM)
  t.equal((await register(DOMAIN, [`Contact: ${CONTACT}`])).status, 200)
  for (const host of [DOMAIN, DOMAIN.toUpperCase(), REALM]) {
    const redirected = await call(`sip:bob@${host}`)
    t.equal(redirected.status, 302, host)
    t.equal(redirected.one('Contact'), CONTACT, host)
  }
  t.match((await register(REALM)).one('Contact'), CONTACT, 'one address of record, whichever To names')
  t.equal((await register(DOMAIN, ['Contact: *', 'Expires: 0'])).status, 200)
  t.same((await register(REALM)).all('Contact'), [])
  t.equal((await call(`sip:bob@${DOMAIN}`)).status, 404)
})

t.test("nobody registers another's address of record at a domain", async (t) => {
  const { register } = await startAt(t, { registrations: ['CL1'] })
  t.equal((await register(DOMAIN, [`Contact: ${CONTACT}`], `<sip:alice@${DOMAIN}>`)).status, 403)
  t.equal((await register(DOMAIN, [`Contact: ${CONTACT}`], '<sip:bob@other.example>')).status, 401)
})

t.test('what a domain does not let in is 403, and the phone is not told why', async (t) => {
  const { ask, register, call } = await startAt(t, { registrations: ['CL2'] })
  const refused = await register(DOMAIN, [`Contact: ${CONTACT}`])
  t.match(refused, { status: 403, reason: 'Forbidden' })
  t.same(refused.all('Warning'), [])
  t.match(await call(`sip:bob@${DOMAIN}`), { status: 403, reason: 'Forbidden' }, 'without a challenge')
  t.match(await ask(sipRequest('MESSAGE', { uri: `sip:bob@${DOMAIN}` })), { status: 403 })
})

t.test('a call from an admitted address needs no credentials, and a REGISTER from there does', async (t) => {
  const { ask, register } = await startAt(t, { registrations: ['CL1'], ipRanges: ['127.0.0.0/8'] })
  t.equal((await ask(sipRequest('REGISTER', { uri: `sip:${DOMAIN}`, to: `<sip:bob@${DOMAIN}>` }))).status, 401)
  t.equal((await register(DOMAIN, [`Contact: ${CONTACT}`])).status, 200)
  const from = '<sip:+4930123456@pbx.example>;tag=p'
  const request = sipRequest('INVITE', { uri: `sip:bob@${DOMAIN}`, from })
  const redirected = await ask(request)
  t.equal(redirected.status, 302)
  t.equal(redirected.one('Contact'), CONTACT)
  t.equal((await ask(request)).text, redirected.text, 'a retransmission is answered with the same')
})

t.test('a call from an address that is not admitted is refused', async (t) => {
  const { call } = await startAt(t, { calls: ['CL1'], ipRanges: ['192.0.2.0/24'] })
  t.equal((await call(`sip:bob@${DOMAIN}`)).status, 403)
})
