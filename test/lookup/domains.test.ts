import t, { type Test } from 'tap'
import type { SipDomain } from '../../src/sip-domain.js'
import { DOMAIN, REALM } from '../auth/phone.js'
import { createRig } from '../auth/rig.js'
import { openLookup } from './in-process.js'
import { createProxy } from './proxy.js'

/** A proxy that asks about a SIP domain with these mappings. */
async function proxyAt(t: Test, domain: Partial<SipDomain>) {
  const rig = createRig()
  rig.addDomain(domain)
  return createProxy((await openLookup(t, rig)).url, REALM)
}

const WHO = { realm: REALM, account_sid: 'AC1', domain_sid: 'SD1' }
const OK = { status: 200, reason: 'ok', headers: [], hdr: '' }

t.test("a right answer at a SIP domain says whose credential it is, and the domain's SID", async (t) => {
  const proxy = await proxyAt(t, { registrations: ['CL1'] })
  const { status, json } = await proxy.attempt({}, { realm: '', domain: DOMAIN.toUpperCase() })
  t.equal(status, 200)
  t.same(json, { ...OK, ...WHO, username: 'alice', credential_list_sid: 'CL1', credential_sid: 'CR-alice' })
})

t.test('whoever an address lets in has no user name and no credential', async (t) => {
  const proxy = await proxyAt(t, { ipRanges: ['192.0.2.0/24'] })
  const form = { method: 'INVITE', realm: 'pbx.example', domain: DOMAIN, source_ip: '192.0.2.7', identity: '+4930123' }
  const { status, json } = await proxy.verify(form)
  t.equal(status, 200)
  t.same(json, { ...OK, ...WHO })
  t.match(await proxy.verify(form, '?format=text'), { status: 200, text: '' })
  t.match(await proxy.ask('/v1/verify', { json: { ...form, source_ip: null } }), { status: 403 })
})

t.test('what is not allowed at a SIP domain is 403, and the detail says why', async (t) => {
  const proxy = await proxyAt(t, { registrations: ['CL2'], ipRanges: ['192.0.2.0/24'] })
  const refused = (detail: RegExp) => ({ status: 403, json: { status: 403, reason: 'not_allowed', hdr: '', detail } })
  t.match(await proxy.verify({ method: 'INVITE', domain: DOMAIN }), refused(/source address/))
  t.match(await proxy.attempt({}, { domain: DOMAIN }), refused(/list is not mapped/))
  t.match(await proxy.attempt({ password: 'wrong' }, { domain: DOMAIN }), { status: 401, json: { detail: undefined } })
  const bare = await proxyAt(t, {})
  t.match(await bare.verify({ method: 'INVITE', domain: DOMAIN }), refused(/neither/))
  t.match(await bare.verify({ domain: DOMAIN }), refused(/register/))
  t.match(await (await proxyAt(t, { active: false })).verify({ domain: DOMAIN }), { json: { reason: 'disabled' } })
})

t.test(
  'a domain is challenged for its realm, as a proxy too, and the realm given beside it does not count',
  async (t) => {
    const proxy = await proxyAt(t, { calls: ['CL1'] })
    const { status, json } = await proxy.verify({
      method: 'INVITE',
      realm: 'other.example',
      domain: DOMAIN,
      proxy: '1',
    })
    t.equal(status, 407)
    t.match(json, { reason: 'no_credentials', headers: [new RegExp(`^Proxy-Authenticate: Digest realm="${REALM}"`)] })
  },
)
