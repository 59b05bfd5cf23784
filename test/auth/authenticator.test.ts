import t from 'tap'
import { createAuthenticator } from '../../src/auth/authenticator.js'
import { createCredentialSource } from '../../src/auth/credential-source.js'
import { REASONS, sipStatus } from '../../src/auth/verdict.js'
import { ALGORITHMS } from '../../src/digest/algorithm.js'
import { createNonces } from '../../src/digest/nonce.js'
import { createLog } from '../../src/log.js'
import { type Answer, answer, PASSWORD, REALM, URI } from './phone.js'
import { createRig, first } from './rig.js'

t.test('a right answer to a fresh challenge is ok and says whose credential it is', async (t) => {
  const rig = createRig()
  const challenge = first(await rig.challenges())
  t.same(challenge, { realm: REALM, nonce: challenge.nonce, algorithm: 'MD5', qop: ['auth'], stale: false })
  t.same(await rig.verify({ authorizations: [answer(challenge)], uri: URI, identity: 'alice' }), {
    reason: 'ok',
    realm: REALM,
    accountSid: 'AC1',
    credential: {
      username: 'alice',
      realm: REALM,
      accountSid: 'AC1',
      credentialListSid: 'CL1',
      credentialSid: 'CR-alice',
    },
    domain: undefined,
  })
})

t.test('a request without Authorization is challenged as no_credentials, which is not stale', async (t) => {
  const rig = createRig()
  for (const authorizations of [[], [''], ['  '], ['<null>'], ['', '<null>']]) {
    const verdict = await rig.verify({ authorizations })
    t.match(verdict, { reason: 'no_credentials', realm: REALM, challenges: [{ stale: false }] })
  }
})

t.test('the realm of a request without one is that of its Authorization, or its domain', async (t) => {
  const rig = createRig()
  const [challenge] = [first(await rig.challenges())]
  t.equal(await rig.reply(challenge, {}, { realm: undefined }), 'ok')
  t.match(await rig.verify({ realm: undefined, domain: 'PBX.Example.COM' }), { realm: 'pbx.example.com' })
  t.match(await rig.verify({ realm: 'a.example', domain: 'b.example' }), { realm: 'a.example' })
  t.match(await rig.verify({ realm: undefined }), { reason: 'malformed', detail: /realm/ })
})

t.test('realms are compared in lower case, and challenged so', async (t) => {
  const rig = createRig()
  const verdict = await rig.verify({ realm: 'EXAMPLE.com' })
  t.match(verdict, { realm: REALM, challenges: [{ realm: REALM }] })
  const challenge = first(await rig.challenges('Example.COM'))
  t.equal(await rig.reply(challenge, {}, { realm: 'eXample.com' }), 'ok')
  const shouting = answer(challenge, { nc: '00000002' }).replace(`realm="${REALM}"`, 'realm="EXAMPLE.COM"')
  t.match(await rig.verify({ authorizations: [shouting] }), { reason: 'ok' }, 'the header may write it in upper case')
})

t.test('a realm that no header could hold is malformed, and one that no realm can be is challenged', async (t) => {
  const rig = createRig()
  for (const realm of ['a"b', 'a\\b', 'a\r\nb', 'é.example', 'x'.repeat(256)]) {
    t.match(await rig.verify({ realm }), { reason: 'malformed' }, JSON.stringify(realm))
  }
  for (const realm of ['[2001:db8::1]', 'under_score.example', 'x:alice', '*', '1.2.3.4']) {
    t.match(await rig.verify({ realm }), { reason: 'no_credentials', realm }, realm)
    t.equal(await rig.attempt({ realm }, { realm }), 'unknown_user', `nobody logs in to ${realm}`)
  }
})

t.test('of several Authorizations the one for the realm counts, and two for one realm are malformed', async (t) => {
  const rig = createRig()
  const mine = answer(first(await rig.challenges()))
  const other = answer(first(await rig.challenges('other.example')), { realm: 'other.example' })
  t.match(await rig.verify({ authorizations: [other] }), { reason: 'no_credentials' })
  t.match(await rig.verify({ authorizations: [mine, mine] }), { reason: 'malformed', detail: /one for each realm/ })
  t.match(await rig.verify({ authorizations: [mine, 'Digest garbage'] }), { reason: 'malformed' })
  t.match(await rig.verify({ authorizations: ['Basic eDp5', other, mine] }), { reason: 'ok' })
})

t.test('without a realm the first Authorization counts', async (t) => {
  const rig = createRig()
  const mine = answer(first(await rig.challenges()))
  const other = answer(first(await rig.challenges('other.example')), { realm: 'other.example' })
  t.match(await rig.verify({ realm: undefined, authorizations: [mine, other] }), { reason: 'ok' })
  t.match(await rig.verify({ realm: undefined, authorizations: [other, mine] }), { reason: 'unknown_user' })
})

t.test('a scheme other than Digest, and what asks for the impossible, is challenged as unsupported', async (t) => {
  const rig = createRig()
  const plain = answer(first(await rig.challenges()))
  const impossible = [
    'Basic YWxpY2U6eA==',
    'Bearer abc',
    `${plain}, userhash=true`,
    plain.replace('algorithm=MD5', 'algorithm=SHA-1'),
    plain.replace('qop=auth', 'qop=auth-conf'),
  ]
  for (const header of impossible) {
    t.match(await rig.verify({ authorizations: [header] }), { reason: 'unsupported', challenges: [{ stale: false }] })
  }
})

t.test('a malformed Authorization is malformed, not none given, and its fault is named', async (t) => {
  const rig = createRig()
  const plain = answer(first(await rig.challenges()))
  const broken: readonly (readonly [string, RegExp])[] = [
    ['Digest', /username/],
    ['Digest garbage', /equals/],
    [plain.replace('username="alice"', 'username=""'), /username/],
    [`${plain}, nonce="again"`, /nonce must not be given twice/],
    [plain.replace('nc=00000001', 'nc=1'), /nc/],
    [plain.replace(/, cnonce="[^"]*"/, ''), /cnonce/],
    [plain.replace(/response="./, 'response="'), /response/],
    [plain.replace('"alice"', '"al\r\nice"'), /control/],
    [`Digest ${' '.repeat(5_000)}`, /4096/],
  ]
  for (const [header, detail] of broken) {
    const verdict = await rig.verify({ authorizations: [header] })
    t.match(verdict, { reason: 'malformed', detail }, JSON.stringify(header.slice(0, 60)))
  }
})

t.test('an algorithm that was not offered is refused, also one that the server could compute', async (t) => {
  const rig = createRig({ ALGORITHMS: 'SHA-256,MD5' })
  t.equal(await rig.attempt({ algorithm: 'SHA-512-256' }), 'unsupported')
  t.equal(await rig.attempt({ algorithm: 'MD5' }), 'ok', 'any one of those offered may be used')
  t.equal(await rig.attempt({ algorithm: 'SHA-256' }), 'ok')
  for (const algorithm of ['MD5', 'SHA-256', 'SHA-512-256'] as const) {
    t.equal(await rig.attempt({ algorithm, session: true }), 'unsupported', `${algorithm}-sess`)
  }
})

t.test('a response without the qop that was offered is refused, and so is one with a qop that was not', async (t) => {
  t.equal(await createRig().attempt({ qop: 'none' }), 'unsupported', 'stripped')
  t.equal(await createRig().attempt({ qop: 'auth-int' }), 'unsupported', 'not offered')
  t.equal(await createRig({ QOP: 'none' }).attempt({ qop: 'auth' }), 'unsupported', 'added')
  t.equal(await createRig({ QOP: 'auth,auth-int' }).attempt({ qop: 'none' }), 'unsupported', 'stripped of both')
})

t.test('what was offered is what counts, not what would be offered now', async (t) => {
  const rig = createRig()
  rig.mirror.offers.set(REALM, { algorithms: ['SHA-256'], lacking: [], active: true })
  const challenges = await rig.challenges()
  t.same(
    challenges.map(({ algorithm }) => algorithm),
    ['SHA-256'],
    'a realm has algorithms of its own',
  )
  rig.mirror.offers.set(REALM, { algorithms: ['MD5'], lacking: [], active: true })
  t.equal(await rig.reply(first(challenges), { algorithm: 'MD5' }), 'unsupported')
  t.equal(await rig.reply(first(challenges)), 'ok')
})

t.test('challenges come in the order of ALGORITHMS, on one nonce', async (t) => {
  const challenges = await createRig({ ALGORITHMS: 'SHA-512-256,MD5,SHA-256' }).challenges()
  t.same(
    challenges.map(({ algorithm }) => algorithm),
    ['SHA-512-256', 'MD5', 'SHA-256'],
  )
  t.equal(new Set(challenges.map(({ nonce }) => nonce)).size, 1)
})

t.test('an expired nonce is answered with a fresh challenge marked stale, the right password or not', async (t) => {
  const rig = createRig({ NONCE_TTL: '30' })
  const challenge = first(await rig.challenges())
  rig.advance(29_999)
  t.equal(await rig.reply(challenge), 'ok')
  rig.advance(1)
  for (const password of [PASSWORD, 'wrong']) {
    const verdict = await rig.verify({ authorizations: [answer(challenge, { password, nc: '00000002' })] })
    t.match(verdict, { reason: 'stale_nonce', challenges: [{ stale: true }] })
  }
})

t.test(
  'a nonce of nobody, of another realm or of another secret is bad, and its fresh challenge not stale',
  async (t) => {
    const rig = createRig()
    const { nonce, ...challenge } = first(await rig.challenges())
    const elsewhere = first(await rig.challenges('other.example')).nonce
    const foreign = `${nonce.slice(0, -1)}${nonce.endsWith('A') ? 'B' : 'A'}`
    for (const bad of ['x', elsewhere, foreign, `${nonce}=`, '0'.repeat(44)]) {
      const verdict = await rig.verify({ authorizations: [answer({ ...challenge, nonce: bad })] })
      t.match(verdict, { reason: 'bad_nonce', challenges: [{ stale: false }] }, bad)
    }
  },
)

t.test('a wrong password and an unknown user get the same challenge', async (t) => {
  const rig = createRig()
  const challenge = first(await rig.challenges())
  const shape = async (how: object) => {
    const verdict = await rig.verify({ authorizations: [answer(challenge, how)] })
    if (!('challenges' in verdict)) return verdict
    return verdict.challenges.map(({ nonce, ...rest }) => ({ ...rest, length: nonce.length }))
  }
  t.same(await shape({ password: 'wrong' }), await shape({ username: 'nobody' }))
  t.equal(await rig.reply(challenge, { password: 'wrong' }), 'bad_response')
  t.equal(await rig.reply(challenge, { username: 'nobody' }), 'unknown_user')
  t.equal(await rig.reply(challenge, { username: 'Alice' }), 'unknown_user', 'case matters')
})

t.test('a wrong password and an unknown user cost the same work, and the right password none of it', async (t) => {
  const decoys: string[] = []
  const rig = createRig()
  const authenticator = createAuthenticator({
    source: createCredentialSource({ ...rig, log: createLog('silent'), now: Date.now }),
    nonces: createNonces({ secrets: ['a nonce secret'], lifetimeSeconds: 300, now: () => Date.UTC(2026, 0, 1) }),
    replayGuard: { spend: () => true },
    throttle: {
      isIdle: () => false,
      peek: () => 0,
      check: async () => undefined,
      fail: async () => undefined,
      inTurn: (_attempt, judge) => judge(),
    },
    decoy(algorithm, realm, username) {
      decoys.push(`${algorithm} ${realm} ${username}`)
      return '0'.repeat(ALGORITHMS[algorithm].hexLength)
    },
    ...{ metrics: rig.metrics, log: createLog('silent'), algorithms: ['MD5'], qop: ['auth'] },
  })
  const challenge = first(await rig.challenges())
  const attempt = async (how: Answer) => {
    const request = { method: 'REGISTER', realm: REALM, authorizations: [answer(challenge, how)] }
    const { reason } = await authenticator.verify('http', request)
    return [reason, decoys.splice(0)]
  }
  t.same(await attempt({}), ['ok', []])
  t.same(await attempt({ password: 'wrong' }), ['bad_response', [`MD5 ${REALM} alice`]])
  t.same(await attempt({ username: 'nobody' }), ['unknown_user', [`MD5 ${REALM} nobody`]])
})

t.test('a disabled credential is refused', async (t) => {
  const rig = createRig()
  rig.add('bob')
  t.equal(await rig.attempt({ username: 'bob' }), 'disabled')
  t.equal(await rig.attempt({ username: `bob@${REALM}` }), 'disabled')
})

t.test('the digest user must be the user of the address', async (t) => {
  const rig = createRig()
  t.equal(await rig.attempt({}, { identity: 'bob' }), 'identity_mismatch')
  t.equal(await rig.attempt({}, { identity: '' }), 'identity_mismatch', 'an address without a user is nobody')
  t.equal(await rig.attempt({}, { identity: 'ALICE' }), 'identity_mismatch')
  t.equal(await rig.attempt({}, { identity: 'alice' }), 'ok')
  t.equal(await rig.attempt({ username: `alice@${REALM}` }, { identity: 'alice' }), 'ok')
  t.equal(await rig.attempt({ username: `alice@${REALM}` }, { identity: `alice@${REALM}` }), 'ok')
  t.equal(await rig.attempt({ password: 'wrong' }, { identity: 'bob' }), 'bad_response', 'a stranger learns nothing')
})

t.test('the cheapest check comes first, and decides', async (t) => {
  const rig = createRig({ NONCE_TTL: '30', THROTTLE_USER_FAILURES: '1' })
  rig.add('bob')
  const old = first(await rig.challenges())
  rig.advance(30_000)
  const fresh = first(await rig.challenges())
  const wrongUri = { uri: 'sip:elsewhere.example' }
  const asked = rig.mirror.asked.length

  const broken = answer(old).replace('nc=00000001', 'nc=x')
  t.match(await rig.verify({ authorizations: [broken], ...wrongUri }), { reason: 'malformed' }, 'syntax before uri')
  t.equal(await rig.reply(old, {}, wrongUri), 'uri_mismatch', 'uri before nonce')
  t.equal(await rig.reply(old, { algorithm: 'SHA-256' }), 'stale_nonce', 'nonce before algorithm')
  t.equal(await rig.reply({ ...old, nonce: 'x' }, { algorithm: 'SHA-256' }), 'bad_nonce')
  t.equal(await rig.reply(fresh, { algorithm: 'SHA-256', username: 'bob' }), 'unsupported', 'algorithm before user')
  t.equal(rig.mirror.asked.length, asked, 'and none of these asks a store for a credential')

  const sourceIp = '192.0.2.1'
  t.equal(await rig.reply(fresh, { username: 'bob' }, { sourceIp }), 'disabled')
  t.equal(await rig.reply(fresh, { password: 'wrong' }, { sourceIp, identity: 'bob' }), 'bad_response')
  t.equal(await rig.reply(fresh, {}, { sourceIp, identity: 'bob' }), 'throttled', 'throttle before password')
  rig.advance(30_000)
  t.equal(await rig.reply(fresh, {}, { sourceIp }), 'stale_nonce', 'nonce before throttle')
})

t.test('every reason has one SIP status, with 407 in the place of 401 for a proxy', async (t) => {
  const statuses = Object.fromEntries(
    (Object.keys(REASONS) as (keyof typeof REASONS)[]).map((reason) => [
      reason,
      [sipStatus(reason), sipStatus(reason, true)],
    ]),
  )
  const challenge = [401, 407]
  t.same(statuses, {
    ok: [200, 200],
    no_credentials: challenge,
    stale_nonce: challenge,
    bad_nonce: challenge,
    replayed_nonce: challenge,
    bad_response: challenge,
    unknown_user: challenge,
    unsupported: challenge,
    disabled: [403, 403],
    identity_mismatch: [403, 403],
    not_allowed: [403, 403],
    uri_mismatch: [400, 400],
    malformed: [400, 400],
    throttled: [503, 503],
    unavailable: [503, 503],
  })
})

t.test('verdicts are counted by door, method and reason, with a strange method as other', async (t) => {
  const rig = createRig()
  await rig.verify()
  await rig.verify({ method: 'register' })
  await rig.verify({ method: `X-${'Y'.repeat(500)}` })
  await rig.checks.authenticator.verify('sip', { method: 'INVITE', realm: REALM, authorizations: [] })
  const { values } = await rig.metrics.verdicts.get()
  const counted = values.filter(({ value }) => value > 0).map(({ labels, value }) => ({ ...labels, value }))
  t.same(counted, [
    { door: 'http', method: 'REGISTER', reason: 'no_credentials', value: 1 },
    { door: 'http', method: 'other', reason: 'no_credentials', value: 2 },
    { door: 'sip', method: 'INVITE', reason: 'no_credentials', value: 1 },
  ])
})
