import t from 'tap'
import { UNAVAILABLE_RETRY_SECONDS } from '../../src/auth/verdict.js'
import { answer, PASSWORD, REALM } from './phone.js'
import { createRig, first } from './rig.js'

const UNAVAILABLE = { reason: 'unavailable', retryAfterSeconds: UNAVAILABLE_RETRY_SECONDS }

t.test('while the mirror answers, the database is not asked', async (t) => {
  const rig = createRig()
  rig.database.down = true
  t.equal(await rig.attempt(), 'ok')
  t.equal(await rig.attempt({ password: 'wrong' }), 'bad_response')
  t.equal(await rig.attempt({ username: 'nobody' }), 'unknown_user')
  t.equal(rig.database.asked.length, 0)
})

t.test('while the mirror is away, the database answers', async (t) => {
  const rig = createRig()
  rig.mirror.down = true
  rig.database.offers.set(REALM, { algorithms: ['SHA-256'], lacking: [], active: true })
  t.same(
    (await rig.challenges()).map(({ algorithm }) => algorithm),
    ['SHA-256'],
  )
  t.equal(await rig.attempt(), 'ok')
  t.equal(await rig.attempt({ password: 'wrong' }), 'bad_response')
  t.equal(await rig.attempt({ username: 'nobody' }), 'unknown_user')
  rig.mirror.current = false
  rig.mirror.asked.length = 0
  t.equal(await rig.attempt(), 'ok')
  t.equal(rig.mirror.asked.length, 0, 'a mirror that is known to be away is not waited for')
})

t.test('while both are away nobody is challenged, refused or let in', async (t) => {
  const rig = createRig()
  const challenge = first(await rig.challenges())
  for (const current of [true, false]) {
    rig.mirror.current = current
    rig.mirror.down = rig.database.down = true
    t.same(await rig.verify(), UNAVAILABLE, 'no challenge')
    for (const how of [{}, { password: 'wrong' }, { username: 'nobody' }, { username: `alice@${REALM}` }]) {
      t.same(await rig.verify({ authorizations: [answer(challenge, how)] }), UNAVAILABLE)
    }
    t.same(await rig.verify({ authorizations: [answer({ ...challenge, nonce: 'x' })] }), UNAVAILABLE)
  }
  rig.mirror.down = false
  rig.mirror.current = true
  t.equal(await rig.reply(challenge), 'ok', 'and no nonce count was spent')
})

t.test('what an incomplete mirror lacks, the database confirms', async (t) => {
  const rig = createRig()
  rig.mirror.complete = false
  rig.mirror.credentials.clear()
  t.equal(await rig.attempt(), 'ok', 'missing in the mirror')
  t.equal(await rig.attempt({ username: 'nobody' }), 'unknown_user', 'missing in both')
  rig.mirror.credentials.set(`${REALM} alice`, { ha1: '0'.repeat(32) })
  t.equal(await rig.attempt(), 'ok', 'an old password in the mirror refuses nobody')
  rig.mirror.credentials.set(`${REALM} alice`, {})
  t.equal(await rig.attempt(), 'ok', 'nor does an old disabling')
  rig.database.offers.set(REALM, { algorithms: ['SHA-512-256'], lacking: [], active: true })
  t.equal(first(await rig.challenges()).algorithm, 'SHA-512-256', 'the algorithms of a realm')
})

t.test('what an incomplete mirror lacks is unavailable while the database is away, never unknown', async (t) => {
  const rig = createRig()
  const challenge = first(await rig.challenges())
  rig.mirror.complete = false
  rig.database.down = true
  t.equal(await rig.reply(challenge, { nc: '00000001' }), 'ok', 'the right password needs no confirmation')
  t.equal(await rig.reply(challenge, { nc: '00000002', password: 'wrong' }), 'unavailable')
  t.equal(await rig.reply(challenge, { nc: '00000002', username: 'nobody' }), 'unavailable')
  t.same(await rig.verify(), UNAVAILABLE, 'whether the realm has algorithms of its own is not known')
})

t.test('who has no HA1 in the mirror is asked for in the database, and disabled while that is away', async (t) => {
  const rig = createRig()
  const challenge = first(await rig.challenges())
  const { findHa1 } = rig.mirror
  Object.assign(rig.mirror, {
    findHa1: async (...key: Parameters<typeof findHa1>) => {
      const found = await findHa1(...key)
      return found && { ...found, doubtful: !found.usable }
    },
  })
  rig.mirror.credentials.set(`${REALM} alice`, {})
  t.equal(await rig.reply(challenge, { nc: '00000001' }), 'ok', 'her account was reactivated just now')
  const asked = { realm: REALM, username: 'alice', algorithm: 'MD5', decoy: false } as const
  t.match(await rig.checks.ha1Lookup.find(asked), { kind: 'found' })
  rig.add('bob')
  t.equal(await rig.reply(challenge, { username: 'bob' }), 'disabled', 'he is so himself')
  rig.database.down = true
  t.equal(await rig.reply(challenge, { nc: '00000002' }), 'disabled')
  rig.add('alice', PASSWORD)
  rig.database.asked.length = 0
  t.equal(await rig.reply(challenge, { nc: '00000003' }), 'ok')
  t.same(rig.database.asked, [], 'who has one is not asked for')
})

t.test('a mirror that is behind is asked only when the database is away, and then lets in alone', async (t) => {
  const rig = createRig()
  const challenge = first(await rig.challenges())
  rig.mirror.current = false
  rig.mirror.credentials.set(`${REALM} alice`, { ha1: '0'.repeat(32) })
  t.equal(await rig.reply(challenge, { nc: '00000001' }), 'ok', 'the database knows the new password')
  rig.database.down = true
  t.equal(await rig.reply(challenge, { nc: '00000002' }), 'unavailable', 'the old one does not refuse it')
})

t.test('the questions put to the database at one time are bounded, and more are unavailable', async (t) => {
  const rig = createRig()
  const challenge = first(await rig.challenges())
  rig.mirror.current = false
  rig.mirror.down = true
  const { findHa1 } = rig.database
  let release = (): void => undefined
  const gate = new Promise<void>((resolve) => {
    release = resolve
  })
  Object.assign(rig.database, {
    findHa1: async (...key: Parameters<typeof findHa1>) => {
      await gate
      return findHa1(...key)
    },
  })
  const many = Array.from({ length: 150 }, (_, count) =>
    rig.reply(challenge, { nc: (count + 1).toString(16).padStart(8, '0') }),
  )
  const settledEarly = await Promise.race(many)
  t.equal(settledEarly, 'unavailable')
  release()
  const reasons = await Promise.all(many)
  t.equal(reasons.filter((reason) => reason === 'unavailable').length, 50)
  t.equal(reasons.filter((reason) => reason === 'ok').length, 100)
})

t.test('a database that hangs is left alone for a second, and then one question tells for all', async (t) => {
  const rig = createRig()
  const challenge = first(await rig.challenges())
  rig.mirror.current = false
  rig.mirror.down = true
  const { findHa1 } = rig.database
  const answers = (hangs: boolean) =>
    Object.assign(rig.database, {
      findHa1: (...key: Parameters<typeof findHa1>) => {
        const answer = findHa1(...key)
        return hangs ? new Promise(() => undefined) : answer
      },
    })
  const unasked = async () => {
    const { values } = await rig.metrics.unasked.get()
    return values.find(({ labels }) => labels.why === 'resting')?.value
  }
  let count = 0
  const ask = () => rig.reply(challenge, { nc: (++count).toString(16).padStart(8, '0') })
  answers(true)
  t.same(await Promise.all([ask(), ask(), ask()]), ['unavailable', 'unavailable', 'unavailable'])
  t.equal(rig.database.asked.length, 3, 'three questions in a row were waited for')
  answers(false)
  t.equal(await ask(), 'unavailable', 'though it would answer by now')
  t.equal(rig.database.asked.length, 3, 'the fourth is not put')
  t.equal(await unasked(), 1)
  rig.advance(1_000)
  answers(true)
  t.same(await Promise.all([ask(), ask()]), ['unavailable', 'unavailable'])
  t.equal(rig.database.asked.length, 4, 'one goes ahead')
  rig.advance(1_000)
  answers(false)
  t.equal(await ask(), 'ok')
  t.same(await Promise.all([ask(), ask()]), ['ok', 'ok'], 'and its answer ends the rest')
})

t.test('a database that answers with errors, however many, is asked on', async (t) => {
  const rig = createRig()
  const challenge = first(await rig.challenges())
  rig.mirror.current = false
  rig.mirror.down = rig.database.down = true
  for (const nc of ['00000001', '00000002', '00000003', '00000004']) {
    t.equal(await rig.reply(challenge, { nc }), 'unavailable')
  }
  rig.database.down = false
  t.equal(await rig.reply(challenge, { nc: '00000005' }), 'ok')
})

t.test('a flood of checks for a disabled user leaves half of the questions to others', async (t) => {
  const rig = createRig()
  const challenge = first(await rig.challenges())
  rig.add('bob')
  const { findHa1 } = rig.mirror
  Object.assign(rig.mirror, {
    findHa1: async (...key: Parameters<typeof findHa1>) => {
      const found = await findHa1(...key)
      return found && { ...found, doubtful: !found.usable }
    },
  })
  const asked = rig.database.findHa1
  let release = (): void => undefined
  const gate = new Promise<void>((resolve) => {
    release = resolve
  })
  Object.assign(rig.database, {
    findHa1: async (...key: Parameters<typeof asked>) => {
      const answer = asked(...key)
      if (key[1] === 'bob') await gate
      return answer
    },
  })
  const flood = Array.from({ length: 80 }, () => rig.checks.ha1Lookup.find(BOB))
  t.same(await Promise.all(flood.slice(50)), Array(30).fill({ kind: 'disabled' }), "the mirror's word counts")
  t.equal(rig.database.asked.length, 50)
  rig.mirror.credentials.delete(`${REALM} alice`)
  rig.mirror.complete = false
  t.equal(await rig.reply(challenge), 'ok', 'alice is only in the database')
  release()
  t.same(await Promise.all(flood), Array(80).fill({ kind: 'disabled' }))
})

const BOB = { realm: REALM, username: 'bob', algorithm: 'MD5', decoy: false } as const

t.test('an unexpected fault of a part is unavailable, not an exception', async (t) => {
  const rig = createRig()
  const challenge = first(await rig.challenges())
  const broken = { method: 'REGISTER', realm: REALM, authorizations: [answer(challenge)] }
  Object.defineProperty(broken, 'sourceIp', {
    get() {
      throw new Error('a part is broken')
    },
  })
  t.same(await rig.checks.authenticator.verify('http', broken), UNAVAILABLE)
})
