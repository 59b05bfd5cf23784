import t from 'tap'
import { createAddressRanges } from '../../src/auth/address-ranges.js'
import { parseSourceAddress } from '../../src/auth/source-address.js'
import { UNAVAILABLE } from '../../src/auth/verdict.js'
import type { Challenge } from '../../src/digest/challenge.js'
import type { SipDomain } from '../../src/sip-domain.js'
import { type Answer, answer, DOMAIN, REALM } from './phone.js'
import { createRig, first, type Rig } from './rig.js'

const REGISTERS = { registrations: ['CL1'] }
const CALLS = { calls: ['CL1'] }
const RANGES = { ipRanges: ['192.0.2.0/24', '2001:db8::/32'] }
const URI = `sip:bob@${DOMAIN}`
const AT = { realm: undefined, domain: DOMAIN } as const
const CALL = { ...AT, method: 'INVITE', uri: URI } as const
const WITHIN = { ...CALL, sourceIp: '192.0.2.7' } as const

function rigWith(domain: Partial<SipDomain>, env?: Readonly<Record<string, string>>): Rig {
  const rig = createRig(env)
  rig.addDomain(domain)
  return rig
}

/** A call with an answered challenge. */
async function call(rig: Rig, request: object = {}, how: Answer = {}, given?: Challenge) {
  const challenge = given ?? first(await rig.challenges())
  const authorization = answer(challenge, { method: 'INVITE', uri: URI, ...how })
  return rig.verify({ ...CALL, authorizations: [authorization], ...request })
}

const CREDENTIAL = {
  ...{ username: 'alice', realm: REALM, accountSid: 'AC1' },
  ...{ credentialListSid: 'CL1', credentialSid: 'CR-alice' },
}

t.test("a SIP domain is challenged with its realm, and lets in its lists' credentials", async (t) => {
  const rig = rigWith({ ...REGISTERS, ...CALLS })
  const challenged = await rig.verify(AT)
  t.match(challenged, { reason: 'no_credentials', realm: REALM, challenges: [{ realm: REALM }] })
  t.match(await rig.verify({ ...AT, domain: 'Acme.SIP.Example' }), { realm: REALM }, 'in lower case')
  const ok = {
    ...{ reason: 'ok', realm: REALM, accountSid: 'AC1', credential: CREDENTIAL },
    domain: { name: DOMAIN, sid: 'SD1' },
  }
  const challenge = first('challenges' in challenged ? challenged.challenges : [])
  t.same(await rig.verify({ ...AT, authorizations: [answer(challenge)] }), ok)
  t.same(await call(rig), ok)
})

t.test('a domain wins over a realm that is given with it, and one that names no SIP domain does not', async (t) => {
  const rig = rigWith(REGISTERS)
  t.match(await rig.verify({ realm: 'other.example', domain: DOMAIN }), { realm: REALM })
  t.equal(await rig.attempt({}, { realm: REALM, domain: DOMAIN }), 'ok')
  t.match(await rig.verify({ realm: 'other.example', domain: 'none.example' }), { realm: 'other.example' })
  t.match(await rig.verify({ realm: undefined, domain: 'none.example' }), { realm: 'none.example' })
  t.equal(await rig.attempt({}, { realm: undefined, domain: REALM }), 'ok', 'a realm is a domain of its own')
  for (const domain of ['a"b', 'under_score.example', '[2001:db8::1]', '', 'x'.repeat(300)]) {
    t.match(await rig.verify({ realm: REALM, domain }), { realm: REALM }, 'what can be no host name names none')
  }
})

t.test('a request that presents an answer to another realm is challenged for the domain', async (t) => {
  const rig = rigWith({ ...REGISTERS, realm: 'second.example' })
  rig.add('alice', 'Correct-Horse-42', 'second.example')
  const foreign = answer(first(await rig.challenges(REALM)))
  t.match(await rig.verify({ ...AT, authorizations: [foreign] }), { reason: 'no_credentials', realm: 'second.example' })
  const own = answer(first(await rig.challenges('second.example')), { realm: 'second.example' })
  t.match(await rig.verify({ ...AT, authorizations: [foreign, own] }), { reason: 'ok', realm: 'second.example' })
  const twice = answer(first(await rig.challenges('second.example')), { realm: 'second.example' })
  t.match(await rig.verify({ ...AT, authorizations: [twice, twice] }), { reason: 'malformed', detail: /one for each/ })
})

t.test('registrations decide over REGISTER, and calls over every other method', async (t) => {
  const calling = rigWith(CALLS)
  t.match(await calling.verify(AT), { reason: 'not_allowed' }, 'at once')
  t.equal(await calling.attempt({}, { ...AT, realm: undefined }), 'not_allowed')
  for (const method of ['INVITE', 'MESSAGE', 'SUBSCRIBE', 'OPTIONS', 'BYE', 'register', 'FOO']) {
    t.match(await calling.verify({ ...AT, method }), { reason: 'no_credentials' }, method)
  }
  const registering = rigWith(REGISTERS)
  t.match(await registering.verify(AT), { reason: 'no_credentials' })
  t.match(await registering.verify(CALL), { reason: 'not_allowed' })
  t.match(await rigWith({}).verify(CALL), { reason: 'not_allowed' }, 'nothing is mapped')
})

t.test('a right password of a list that is not mapped is not allowed, and spends no nonce count', async (t) => {
  const rig = rigWith({ calls: ['CL2'], registrations: ['CL1'] })
  const challenge = first(await rig.challenges())
  const authorization = answer(challenge, { method: 'INVITE', uri: URI })
  const request = { ...WITHIN, authorizations: [authorization] }
  t.match(await rig.verify(request), { reason: 'not_allowed' })
  t.match(await rig.verify({ ...request, identity: 'bob' }), { reason: 'not_allowed' }, 'whoever else it is')
  rig.addDomain(CALLS)
  t.match(await rig.verify(request), { reason: 'ok' }, 'the same count is new')
  t.match(await rig.verify(request), { reason: 'replayed_nonce' })
})

t.test('a list that is not mapped by what is near alone is asked for, and refused if it is not mapped', async (t) => {
  const rig = rigWith({ calls: ['CL2'] })
  const known = rig.mirror.domains.get(DOMAIN)
  const near = { peekHa1: () => undefined, peekRealm: () => undefined, peekDomain: () => known }
  Object.assign(rig.mirror, { near })
  t.match(await call(rig), { reason: 'not_allowed' })
  rig.addDomain({ calls: ['CL2', 'CL1'] })
  t.match(await call(rig), { reason: 'ok' })
  rig.addDomain({ active: false })
  t.match(await call(rig), { reason: 'disabled' })
  for (const store of [rig.mirror, rig.database]) store.domains.clear()
  t.match(await call(rig), { reason: 'not_allowed' }, 'where the domain is gone, its realm was not asked for')
  t.match(await call(rig, { realm: REALM }), { reason: 'ok' })
})

t.test('without the password nobody learns which list may do what', async (t) => {
  const rig = rigWith({ calls: ['CL2'] }, { THROTTLE_USER_FAILURES: '2' })
  t.match(await call(rig, WITHIN, { password: 'wrong' }), { reason: 'bad_response', realm: REALM })
  t.match(await call(rig, WITHIN, { username: 'nobody' }), { reason: 'unknown_user', realm: REALM })
  t.match(await call(rig, WITHIN), { reason: 'not_allowed' }, 'with it he does')
  t.match(await call(rig, WITHIN, { password: 'wrong' }), { reason: 'bad_response' })
  t.match(await call(rig, WITHIN), { reason: 'throttled' }, 'and a guess is a guess there too')
})

t.test('addresses alone let in without credentials, and nobody else', async (t) => {
  const rig = rigWith(RANGES)
  const ok = {
    reason: 'ok',
    realm: REALM,
    accountSid: 'AC1',
    credential: undefined,
    domain: { name: DOMAIN, sid: 'SD1' },
  }
  for (const sourceIp of ['192.0.2.7', '192.0.2.7:5060', '::ffff:192.0.2.7', '[2001:db8::7]:5060', '2001:db8::7%e0']) {
    t.same(await rig.verify({ ...CALL, sourceIp }), ok, sourceIp)
  }
  t.same(await rig.verify({ ...WITHIN, authorizations: ['Basic eDp5', 'not even that'] }), ok, 'whatever it presents')
  for (const sourceIp of [undefined, '', '198.51.100.1', '2001:db9::7', 'here', '<null>']) {
    t.match(await rig.verify({ ...CALL, sourceIp }), { reason: 'not_allowed' }, `${sourceIp}`)
    t.match(await call(rig, { sourceIp }), { reason: 'not_allowed' }, 'a right password is not asked for')
  }
  t.match(await rig.verify({ ...AT, sourceIp: '192.0.2.7' }), { reason: 'not_allowed' }, 'nobody registers by address')
  rig.addDomain({ ipRanges: [] })
  t.match(await rig.verify(WITHIN), { reason: 'not_allowed' }, 'a list without addresses lets nobody in')
})

t.test('addresses and credentials must both be right', async (t) => {
  const rig = rigWith({ ...CALLS, ...RANGES })
  t.match(await rig.verify(WITHIN), { reason: 'no_credentials' })
  t.match(await call(rig, WITHIN), { reason: 'ok', credential: CREDENTIAL })
  t.match(await call(rig, WITHIN, { password: 'wrong' }), { reason: 'bad_response' })
  t.match(await call(rig, { sourceIp: '198.51.100.1' }), { reason: 'not_allowed' })
  t.match(
    await rig.verify({ ...CALL, sourceIp: '198.51.100.1' }),
    { reason: 'not_allowed' },
    'and nobody is challenged',
  )
  rig.addDomain({ ...REGISTERS, ...CALLS, ...RANGES })
  t.equal(await rig.attempt({}, { ...AT, realm: REALM }), 'ok', 'whoever registers may be anywhere')
})

t.test('changed addresses count at once', async (t) => {
  const rig = rigWith(RANGES)
  t.match(await rig.verify(WITHIN), { reason: 'ok' })
  rig.addDomain({ ipRanges: ['198.51.100.0/24'] })
  t.match(await rig.verify(WITHIN), { reason: 'not_allowed' })
  t.match(await rig.verify({ ...CALL, sourceIp: '198.51.100.9' }), { reason: 'ok' })
})

t.test('a domain whose account is not active is disabled, whatever else it would let in', async (t) => {
  const rig = rigWith({ ...REGISTERS, ...RANGES, active: false })
  t.match(await rig.verify(WITHIN), { reason: 'disabled' })
  t.match(await rig.verify(AT), { reason: 'disabled' })
})

t.test('a block counts by its prefix, in IPv4 and IPv6, however many there are', (t) => {
  const has = (blocks: readonly string[], text: string) => {
    const address = parseSourceAddress(text)
    return address !== undefined && createAddressRanges(blocks).contains(address)
  }
  const within: [block: string, inside: string, outside: string][] = [
    ['192.0.2.1/32', '192.0.2.1', '192.0.2.0'],
    ['192.0.2.129/25', '192.0.2.255', '192.0.2.127'],
    ['10.0.0.0/9', '10.127.255.255', '10.128.0.0'],
    ['0.0.0.0/0', '255.255.255.255', '::1'],
    ['2001:db8::1/128', '2001:db8::1', '2001:db8::2'],
    ['2001:db8:0:8000::/49', '2001:db8:0:ffff::1', '2001:db8:0:7fff::1'],
    ['::/0', '2001:db8::1', '192.0.2.1'],
    ['::ffff:192.0.2.0/120', '192.0.2.9', '192.0.3.9'],
  ]
  for (const [block, inside, outside] of within) {
    t.ok(has([block], inside), `${inside} is in ${block}`)
    t.notOk(has([block], outside), `${outside} is not in ${block}`)
  }
  const many = Array.from({ length: 5_000 }, (_, n) => `10.${n >> 8}.${n & 255}.1/32`)
  t.ok(has(many, '10.19.135.1'))
  t.notOk(has(many, '10.19.136.1'))
  t.throws(() => createAddressRanges(['192.0.2.1']), 'what was stored is what was checked')
  t.end()
})

t.test('ranges that cannot be read let nobody in', async (t) => {
  t.same(await rigWith({ ipRanges: ['192.0.2.0/240'] }).verify(WITHIN), UNAVAILABLE)
})

t.test('the domain is asked for at the same time as what is read of its realm', async (t) => {
  const rig = rigWith({ ...CALLS, ...REGISTERS })
  const authorization = answer(first(await rig.challenges()), { method: 'INVITE', uri: URI })
  const { findDomain, findHa1, findRealm } = rig.mirror
  const open = new Set<string>()
  const bothOpen = new Map<string, () => void>()
  /** Answers only once the other is being asked too. */
  const meet = async (mine: string, other: string) => {
    open.add(mine)
    if (open.has(other)) bothOpen.get(other)?.()
    else await new Promise<void>((resolve) => bothOpen.set(mine, resolve))
  }
  Object.assign(rig.mirror, {
    findDomain: (name: string) => meet('domain', 'credential').then(() => findDomain(name)),
    findHa1: (...key: Parameters<typeof findHa1>) => meet('credential', 'domain').then(() => findHa1(...key)),
  })
  t.match(await rig.verify({ ...CALL, authorizations: [authorization] }), { reason: 'ok' })
  open.clear()
  Object.assign(rig.mirror, {
    findDomain: (name: string) => meet('domain', 'realm').then(() => findDomain(name)),
    findRealm: (realm: string) => meet('realm', 'domain').then(() => findRealm(realm)),
  })
  t.match(await rig.verify({ realm: REALM, domain: 'none.example' }), { reason: 'no_credentials', realm: REALM })
})

t.test('an outage is never taken for a host that names no domain', async (t) => {
  const rig = rigWith({ ...CALLS, ...RANGES })
  rig.database.down = true
  const challenge = first(await rig.challenges())
  t.match(await call(rig, WITHIN, { nc: '00000001' }, challenge), { reason: 'ok' }, 'the mirror alone lets in')
  t.match(await rig.verify({ ...WITHIN, domain: 'none.example' }), { reason: 'no_credentials' })
  rig.mirror.complete = false
  t.match(await call(rig, WITHIN, { nc: '00000002' }, challenge), { reason: 'ok' }, 'also while it is not complete')
  t.same(await rig.verify({ ...WITHIN, domain: 'none.example' }), UNAVAILABLE)
  rig.mirror.down = true
  t.same(await rig.verify(WITHIN), UNAVAILABLE)
  rig.database.down = false
  t.match(await rig.verify(WITHIN), { reason: 'no_credentials' }, 'the database alone knows as much')
})

t.test('before a domain of an incomplete mirror refuses anybody, the database confirms it', async (t) => {
  const rig = rigWith(RANGES)
  const challenge = first(await rig.challenges())
  rig.mirror.complete = false
  const stale: Partial<SipDomain>[] = [{ active: false }, {}, { ipRanges: [] }]
  for (const domain of stale) {
    rig.addDomain(domain, [rig.mirror])
    t.match(await rig.verify(WITHIN), { reason: 'ok' }, JSON.stringify(domain))
  }
  rig.database.down = true
  t.same(await rig.verify(WITHIN), UNAVAILABLE)
  rig.database.down = false
  rig.addDomain({ calls: ['CL2'] }, [rig.mirror])
  rig.addDomain(CALLS, [rig.database])
  t.match(await call(rig), { reason: 'ok' }, 'a list that was mapped meanwhile')
  rig.addDomain({ calls: ['CL3'] }, [rig.database])
  t.match(await call(rig), { reason: 'not_allowed' })
  rig.addDomain({ active: false }, [rig.database])
  t.match(await call(rig), { reason: 'disabled' })
  rig.database.domains.delete(DOMAIN)
  t.match(await call(rig), { reason: 'not_allowed' }, 'without the domain its realm was not asked for')
  t.match(await call(rig, { realm: REALM }), { reason: 'ok' }, 'without the domain the realm is all that counts')
  rig.database.down = true
  t.same(await call(rig, {}, {}, challenge), UNAVAILABLE)
})
