import t from 'tap'
import { ALGORITHMS, type HashAlgorithm } from '../../src/digest/algorithm.js'
import type { Challenge } from '../../src/digest/challenge.js'
import { computeHa1s } from '../../src/provision/ha1s.js'
import { answer, PASSWORD, REALM, URI } from './phone.js'
import { createRig, first } from './rig.js'

const NAMES = Object.keys(ALGORITHMS) as HashAlgorithm[]

for (const algorithm of NAMES) {
  t.test(
    `a phone logs in with ${algorithm} as user and as user@realm, and with a wrong password as neither`,
    async (t) => {
      const rig = createRig({ ALGORITHMS: algorithm })
      for (const username of ['alice', `alice@${REALM}`]) {
        t.equal(await rig.attempt({ username }), 'ok', username)
        t.equal(await rig.attempt({ username, password: 'wrong' }), 'bad_response', username)
      }
      t.equal(await rig.attempt({ username: 'alice@other.example' }), 'unknown_user', 'of another realm')
    },
  )
}

t.test('user@realm is told apart from a user whose own name holds an @', async (t) => {
  const rig = createRig()
  rig.add('bob@home', 'Password-of-bob@home')
  rig.add(`alice@${REALM}`, 'Password-of-her-own')
  t.equal(await rig.attempt({ username: 'bob@home', password: 'Password-of-bob@home' }), 'ok')
  t.equal(await rig.attempt({ username: `bob@home@${REALM}`, password: 'Password-of-bob@home' }), 'ok')
  t.equal(await rig.attempt({ username: `alice@${REALM}`, password: 'Password-of-her-own' }), 'ok')
  t.equal(await rig.attempt({ username: `alice@${REALM}` }), 'bad_response', 'the whole name comes first')
})

t.test('a user name may hold every character that user names are made of', async (t) => {
  const rig = createRig()
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
  for (const username of [...[...'-_.!~*()&=+$,;?/@#%'].map((mark) => `a${mark}b`), letters, '%41lice', '+15550100']) {
    rig.add(username, 'Correct-Horse-42')
    t.equal(await rig.attempt({ username }), 'ok', username)
  }
  t.equal(await rig.attempt({ username: 'Alice' }), 'unknown_user', 'nothing is percent-decoded')
})

t.test('what cannot be a user name is unknown, and no store is asked for it', async (t) => {
  const rig = createRig()
  const asked = rig.mirror.asked.length
  for (const username of ['al ice', 'al:ice', "al'ice", 'al"ice', 'al\\ice', 'älice', 'x'.repeat(65), 'a*\u00ff']) {
    rig.mirror.credentials.set(`${REALM} ${username}`, { ha1: '0'.repeat(32) })
    t.equal(await rig.attempt({ username }), 'unknown_user', JSON.stringify(username))
  }
  t.equal(rig.mirror.asked.length, asked)
  t.equal(rig.database.asked.length, 0)
})

t.test('the HA1 of one field never answers for another', async (t) => {
  const rig = createRig({ ALGORITHMS: 'MD5,SHA-256,SHA-512-256' })
  for (const algorithm of NAMES) await rig.attempt({ algorithm })
  await rig.attempt({ username: `alice@${REALM}`, algorithm: 'SHA-256' })
  t.same(rig.mirror.asked, [
    `${REALM} alice ha1`,
    `${REALM} alice ha1_sha256`,
    `${REALM} alice ha1_sha512_256`,
    `${REALM} alice@${REALM} ha1_sha256`,
    `${REALM} alice ha1b_sha256`,
  ])
})

t.test('auth-int covers the body, byte for byte', async (t) => {
  const rig = createRig({ QOP: 'auth,auth-int', ALGORITHMS: 'SHA-256' })
  const challenge = first(await rig.challenges())
  t.same(challenge.qop, ['auth', 'auth-int'])
  const body = Uint8Array.from([0xff, 0xfe, 0x00, 0x80, 0x0d, 0x0a])
  const how = { qop: 'auth-int', body } as const
  t.equal(await rig.reply(challenge, how, { body: body.slice(1) }), 'bad_response')
  t.equal(await rig.reply(challenge, how), 'bad_response', 'a body that the proxy does not send is an empty one')
  t.equal(await rig.reply(challenge, how, { body }), 'ok')
  t.equal(await rig.reply(challenge, { qop: 'auth-int', nc: '00000002' }), 'ok', 'an empty body is one too')
  t.equal(await rig.reply(challenge, { qop: 'auth', nc: '00000003' }, { body }), 'ok', 'auth does not look at it')
})

t.test('without qop a response works once, and the next is challenged as stale', async (t) => {
  const rig = createRig({ QOP: 'none' })
  const challenge = first(await rig.challenges())
  t.same(challenge.qop, [])
  t.equal(await rig.reply(challenge), 'ok')
  const verdict = await rig.verify({ authorizations: [answer(challenge)], uri: URI })
  t.match(verdict, { reason: 'replayed_nonce', challenges: [{ stale: true, qop: [] }] })
  const other = { method: 'INVITE', uri: 'sip:bob@example.com' }
  t.equal(await rig.reply(challenge, other, other), 'ok', 'another request is another response')
  t.equal(await rig.reply(challenge, other, other), 'replayed_nonce')
})

t.test('the response covers the method and the uri of the header', async (t) => {
  const rig = createRig()
  t.equal(await rig.attempt({ method: 'REGISTER' }, { method: 'INVITE' }), 'bad_response')
  t.equal(await rig.attempt({ uri: 'sip:EXAMPLE.com' }, { uri: URI }), 'ok', 'hashed as the phone wrote it')
})

t.test(
  'a credential that was imported with the MD5 HA1 alone is challenged anew for whatever else it answers',
  async (t) => {
    const rig = createRig({ ALGORITHMS: 'SHA-256,MD5', THROTTLE_USER_FAILURES: '1' })
    const [strong, plain] = await rig.challenges()
    if (!strong || !plain) throw new Error('two challenges were expected')
    const { ha1 } = computeHa1s('alice', REALM, PASSWORD)
    for (const store of [rig.mirror, rig.database]) {
      store.credentials.set(`${REALM} alice`, { ha1 })
      store.offers.set(REALM, { algorithms: undefined, lacking: ['SHA-256'], active: true })
    }
    const here = { sourceIp: '192.0.2.1', uri: URI }
    const asks = async (username: string, challenge: Challenge) => {
      const verdict = await rig.verify({ ...here, authorizations: [answer(challenge, { username })] })
      t.match(verdict, { reason: 'unsupported', challenges: [{ algorithm: 'MD5', stale: false }] }, username)
      t.equal('challenges' in verdict && verdict.challenges.length, 1, 'what it cannot answer is offered to nobody')
    }
    await asks('alice', strong)
    await asks(`alice@${REALM}`, strong)
    t.equal(await rig.reply(plain, {}, here), 'ok', 'an answer to an earlier challenge is not counted as a failure')
    await asks(`alice@${REALM}`, plain)
    t.equal(
      await rig.reply(plain, { nc: '00000002', username: `alice@${REALM}` }, here),
      'throttled',
      'what is offered is counted, as for a user that does not exist',
    )
    const nobody = { username: `bob@${REALM}` }
    t.equal(await rig.reply(plain, nobody, here), 'unknown_user')
    t.equal(await rig.reply(plain, { ...nobody, nc: '00000002' }, here), 'throttled')
  },
)

t.test('a realm whose users cannot all answer any of its algorithms is challenged with MD5', async (t) => {
  const rig = createRig({ ALGORITHMS: 'SHA-256' })
  rig.mirror.offers.set(REALM, {
    algorithms: ['SHA-256', 'SHA-512-256'],
    lacking: ['SHA-256', 'SHA-512-256'],
    active: true,
  })
  t.same(
    (await rig.challenges()).map(({ algorithm }) => algorithm),
    ['MD5'],
  )
  t.equal(await rig.attempt(), 'ok')
})
