import t from 'tap'
import type { FailureRecord, Rule } from '../../src/auth/failure-record.js'
import { createMemoryFailureRecord } from '../../src/auth/memory-failure-record.js'
import { toSource } from '../../src/auth/source-address.js'
import { createThrottle } from '../../src/auth/throttle.js'
import { createLog } from '../../src/log.js'
import { createMetrics } from '../../src/metrics.js'
import { connectRedis } from '../../src/redis/client.js'
import { createRedisFailureRecord } from '../../src/redis/failure-record.js'
import { startRedis } from '../fixtures/redis.js'
import { answer, REALM } from './phone.js'
import { createRig, first, type Rig } from './rig.js'

const HERE = { sourceIp: '192.0.2.1' }
const WRONG = { password: 'wrong' }

async function fail(rig: Rig, times: number, how: object = WRONG, request: object = HERE): Promise<void> {
  for (let time = 0; time < times; time++) await rig.attempt(how, request)
}

t.test(
  'ten wrong passwords in a minute throttle the user from that source for a minute, the right one too',
  async (t) => {
    const rig = createRig()
    await fail(rig, 9)
    t.equal(await rig.attempt({}, HERE), 'ok', 'nine do not')
    await fail(rig, 1)
    t.equal(await rig.attempt({}, HERE), 'throttled')
    t.equal(await rig.attempt(WRONG, HERE), 'throttled', 'the wrong one is told the same')
    const challenge = first(await rig.challenges())
    const verdict = await rig.verify({ authorizations: [answer(challenge)], ...HERE })
    t.same(verdict, { reason: 'throttled', retryAfterSeconds: 60 })
    t.equal(await rig.attempt({}, { sourceIp: '192.0.2.2' }), 'ok', 'from elsewhere the user is let in')
    rig.add('bob', 'Correct-Horse-42')
    t.equal(await rig.attempt({ username: 'bob' }, HERE), 'ok', 'another user from here too')
    rig.advance(59_999)
    t.equal(await rig.attempt({}, HERE), 'throttled')
    rig.advance(1)
    t.equal(await rig.attempt({}, HERE), 'ok')
  },
)

t.test('a hundred failures in a minute over any users throttle the source', async (t) => {
  const rig = createRig()
  for (let user = 0; user < 100; user++) await fail(rig, 1, { username: `user${user}` })
  t.equal(await rig.attempt({}, HERE), 'throttled')
  t.equal(await rig.attempt({}, { sourceIp: '192.0.2.2' }), 'ok')
  const { values } = await rig.metrics.throttled.get()
  t.same(
    values.map(({ labels, value }) => [labels.kind, value]),
    [
      ['user', 0],
      ['retry', 0],
      ['source', 1],
    ],
  )
})

t.test('failures that lie more than a minute back no longer count', async (t) => {
  const rig = createRig()
  await fail(rig, 9)
  rig.advance(60_000)
  await fail(rig, 9)
  t.equal(await rig.attempt({}, HERE), 'ok')
})

t.test('each further ban is twice as long, up to an hour', async (t) => {
  const rig = createRig()
  const lengths: number[] = []
  for (let ban = 0; ban < 8; ban++) {
    await fail(rig, 10)
    const verdict = await rig.verify({ authorizations: [answer(first(await rig.challenges()))], ...HERE })
    const seconds = 'retryAfterSeconds' in verdict ? verdict.retryAfterSeconds : 0
    lengths.push(seconds)
    rig.advance(seconds * 1000)
  }
  t.same(lengths, [60, 120, 240, 480, 960, 1920, 3600, 3600])
})

/** A phone that tries every minute for so many hours; how often it was judged in each of them. */
async function retry(rig: Rig, hours: number, how: object = WRONG): Promise<readonly number[]> {
  const judged: number[] = []
  for (let minute = 0; minute < hours * 60; minute++) {
    const hour = Math.floor(minute / 60)
    if ((await rig.attempt(how, HERE)) !== 'throttled') judged[hour] = (judged[hour] ?? 0) + 1
    else judged[hour] ??= 0
    rig.advance(60_000)
  }
  return judged
}

t.test('a phone with an old password that retries every minute is slowed to one try an hour', async (t) => {
  const rig = createRig()
  rig.add('bob', 'Correct-Horse-42')
  t.same(await retry(rig, 5), [25, 1, 1, 1, 1])
  t.equal(await rig.attempt({ username: 'bob' }, HERE), 'ok', 'others behind its address are let in')
  t.equal(await rig.attempt({}, { sourceIp: '192.0.2.2' }), 'ok', 'and the user from elsewhere')
  t.equal(await rig.attempt({}, HERE), 'throttled', 'a right password is not tried before the ban has ended')
  const { values } = await rig.metrics.bans.get()
  t.same(
    values.map(({ labels, value }) => [labels.kind, value]),
    [
      ['user', 0],
      ['retry', 10],
      ['source', 0],
    ],
  )
})

t.test('retries are forgotten when the phone has let pass as long a time without a ban', async (t) => {
  const rig = createRig()
  t.same(await retry(rig, 1), [25])
  rig.advance(2 * 3_600_000)
  t.equal(await rig.attempt({}, HERE), 'ok')
  t.same(await retry(rig, 1), [25], 'and is as patient as at first')
})

t.test(
  'a right password forgets no failures: whoever guesses beside the phone gets no further guess by it',
  async (t) => {
    const rig = createRig()
    const guesses: string[] = []
    for (let minute = 0; minute < 60; minute++) {
      await rig.attempt({}, HERE)
      guesses.push(await rig.attempt(WRONG, HERE))
      rig.advance(60_000)
    }
    t.equal(guesses.filter((reason) => reason === 'bad_response').length, 25)
  },
)

t.test('a count of retries of 0 lets a phone with an old password try every minute', async (t) => {
  const rig = createRig({ THROTTLE_RETRY_FAILURES: '0' })
  t.same(await retry(rig, 2), [60, 60])
})

t.test('whoever is throttled is told so before his guess is judged, whatever was asked at the same time', async (t) => {
  const rig = createRig({ THROTTLE_USER_FAILURES: '1' })
  await fail(rig, 1)
  // Where it must be asked which domain that is, the credential is looked up at the same time.
  const elsewhere = { ...HERE, domain: 'none.example' }
  const { findHa1 } = rig.mirror
  rig.mirror.findHa1 = () => new Promise(() => undefined)
  for (const how of [{}, WRONG]) t.equal(await rig.attempt(how, elsewhere), 'throttled')
  rig.mirror.findHa1 = findHa1
  rig.advance(60_000)
  t.equal(await rig.attempt({}, elsewhere), 'ok')
})

t.test('only wrong passwords and unknown users count', async (t) => {
  const rig = createRig({ THROTTLE_USER_FAILURES: '1', THROTTLE_SOURCE_FAILURES: '1', NONCE_TTL: '300' })
  rig.add('bob')
  const old = first(await rig.challenges())
  rig.advance(300_000)
  const used = first(await rig.challenges())
  const innocent: readonly (readonly [string, () => Promise<string>])[] = [
    ['no_credentials', async () => (await rig.verify(HERE)).reason],
    ['malformed', async () => (await rig.verify({ ...HERE, authorizations: ['Digest x'] })).reason],
    ['stale_nonce', () => rig.reply(old, WRONG, HERE)],
    ['bad_nonce', () => rig.reply({ ...old, nonce: 'x' }, WRONG, HERE)],
    ['unsupported', () => rig.reply(used, { algorithm: 'SHA-256' }, HERE)],
    ['uri_mismatch', () => rig.reply(used, {}, { ...HERE, uri: 'sip:elsewhere.example' })],
    ['disabled', () => rig.reply(used, { username: 'bob' }, HERE)],
    ['identity_mismatch', () => rig.reply(used, {}, { ...HERE, identity: 'bob' })],
    ['ok', () => rig.reply(used, {}, HERE)],
    ['replayed_nonce', () => rig.reply(used, {}, HERE)],
  ]
  for (const [reason, ask] of innocent)
    for (let time = 0; time < 2; time++) await ask().then((got) => time || t.equal(got, reason))
  t.equal(await rig.attempt({}, HERE), 'ok')
  await fail(rig, 1, { username: 'nobody' })
  t.equal(await rig.attempt({}, HERE), 'throttled', 'an unknown user counts')
})

t.test('without a source, or with one that is no address, nothing is throttled, and a metric says so', async (t) => {
  const rig = createRig({ THROTTLE_USER_FAILURES: '1', THROTTLE_SOURCE_FAILURES: '1' })
  for (const sourceIp of [undefined, '', 'here', '192.0.2.1:sip', '<null>']) {
    await fail(rig, 2, WRONG, { sourceIp })
    t.equal(await rig.attempt({}, { sourceIp }), 'ok', `${sourceIp}`)
  }
  t.equal((await rig.metrics.failuresWithoutSource.get()).values[0]?.value, 10)
})

t.test('user and user@realm share their failures, and so do all names that no user can have', async (t) => {
  const rig = createRig({ THROTTLE_USER_FAILURES: '2' })
  await fail(rig, 1)
  await fail(rig, 1, { ...WRONG, username: `alice@${REALM}` })
  t.equal(await rig.attempt({}, HERE), 'throttled')
  await fail(rig, 1, { username: 'no body' })
  await fail(rig, 1, { username: 'x'.repeat(1_000) })
  t.equal(await rig.attempt({ username: 'no:body' }, HERE), 'throttled')
  rig.add('bob', 'Correct-Horse-42')
  t.equal(await rig.attempt({ username: 'bob' }, HERE), 'ok')
})

t.test('a kind of throttling whose limit is 0 is off', async (t) => {
  const off = { THROTTLE_USER_FAILURES: '0', THROTTLE_SOURCE_FAILURES: '0', THROTTLE_RETRY_FAILURES: '0' }
  const rig = createRig(off)
  await fail(rig, 120)
  t.equal(await rig.attempt({}, HERE), 'ok')
})

t.test('an IPv6 source is its /64, and an IPv4 address is itself however it is written', (t) => {
  t.equal(toSource('2001:db8:1:2:3:4:5:6'), '2001:db8:1:2::/64')
  t.equal(toSource('2001:DB8:1:2::'), '2001:db8:1:2::/64')
  t.equal(toSource('[2001:db8:1:2::9]'), '2001:db8:1:2::/64')
  t.equal(toSource('2001:db8:1:3::9'), '2001:db8:1:3::/64')
  t.equal(toSource('192.0.2.1'), '192.0.2.1')
  t.equal(toSource('::ffff:192.0.2.1'), '192.0.2.1')
  t.equal(toSource('192.0.2.1:5060'), '192.0.2.1', 'with a port')
  t.equal(toSource('[::ffff:c000:201]:5060'), '192.0.2.1')
  t.equal(toSource('fe80::1%eth0'), 'fe80::/64', 'with a zone')
  const none = [
    '',
    'x',
    '1.2.3.4:',
    '1.2.3.4:123456',
    '300.1.1.1',
    '010.1.1.1',
    '127.1',
    '0x7f000001',
    '[',
    '[]',
    '[::1',
  ]
  for (const text of [undefined, ...none, '::1'.padEnd(80, '0')]) {
    t.equal(toSource(text), undefined, `${text}`)
  }
  t.end()
})

t.test('one host cannot guess from all the addresses of its /64', async (t) => {
  const rig = createRig()
  for (let host = 1; host <= 10; host++) await fail(rig, 1, WRONG, { sourceIp: `2001:db8::${host}` })
  t.equal(await rig.attempt({}, { sourceIp: '2001:db8::ffff:1' }), 'throttled')
  t.equal(await rig.attempt({}, { sourceIp: '2001:db8:0:1::1' }), 'ok')
})

const LIMIT: Rule = {
  limits: [{ kind: 'user', failures: 3, windowMs: 1_000, lasting: false }],
  ...{ banMs: 2_000, banMaxMs: 5_000 },
}

t.test('the record of failures keeps its promises in memory and in Redis', async (t) => {
  const server = await startRedis(t)
  const redis = connectRedis(server.url, createLog('silent'))
  t.teardown(() => redis.disconnect())
  await new Promise((resolve) => redis.once('ready', resolve))
  let time = Date.UTC(2026, 0, 1)
  const now = () => time
  const kinds: Readonly<Record<string, FailureRecord>> = {
    memory: createMemoryFailureRecord({ now }),
    redis: createRedisFailureRecord({ redis, now }),
  }
  for (const [name, record] of Object.entries(kinds)) {
    const count = async (times: number) => {
      for (let failure = 0; failure < times; failure++) await record.countFailure('subject', LIMIT)
      return until('subject')
    }
    const until = async (subject: string) => (await record.readBan(subject))?.untilMs ?? 0
    t.equal(await until('subject'), 0, `${name}: nobody is banned at first`)
    t.equal(await count(2), 0, name)
    t.equal(await count(1), time + 2_000, `${name}: too many`)
    t.equal(await until('another'), 0, `${name}: another subject is not`)
    time += 2_000
    t.equal(await count(3), time + 4_000, `${name}: twice as long`)
    time += 4_000
    t.equal(await count(3), time + 5_000, `${name}: up to the longest`)
    time += 5_000
    t.ok((await count(2)) <= time, name)
    time += 1_000
    t.ok((await count(2)) <= time, `${name}: the window slides`)
  }
  t.ok((await redis.pttl('sipauth:failures:{subject}')) > 0, 'what is kept in Redis ends by itself')
})

t.test('a Redis that can be read and takes no failures leaves each node to throttle alone', async (t) => {
  const server = await startRedis(t)
  const redis = connectRedis(server.url, createLog('silent'))
  t.teardown(() => redis.disconnect())
  await new Promise((resolve) => redis.once('ready', resolve))
  const rig = createRig({}, redis)
  await server.cli('CONFIG', 'SET', 'maxmemory', '1')
  await fail(rig, 10)
  t.equal(await rig.attempt({}, HERE), 'throttled')
  await server.cli('CONFIG', 'SET', 'maxmemory', '0')
  t.equal(await rig.attempt({}, HERE), 'throttled', 'until that ban ends')
  rig.advance(60_000)
  t.equal(await rig.attempt({}, HERE), 'ok')
})

t.test('whether an attempt is throttled is known at once, but where somebody else is being judged', async (t) => {
  const limits = { userFailures: 1, sourceFailures: 3, retryFailures: 0, retryWindowMs: 1_000, windowMs: 1_000 }
  const now = () => 0
  const local = createMemoryFailureRecord({ now })
  const bans = { ...limits, banMs: 2_500, banMaxMs: 5_000 }
  const rest = { metrics: createMetrics(), now, log: createLog('silent') }
  const throttle = createThrottle({ shared: undefined, local, limits: bans, ...rest })
  const alice = { realm: REALM, username: 'alice', ...HERE }
  const bob = { ...alice, username: 'bob' }
  t.equal(throttle.peek(alice), 0)
  t.equal(throttle.peek({ ...alice, sourceIp: undefined }), 0)
  await throttle.inTurn(alice, async () => {
    t.equal(throttle.peek(alice), undefined, 'no more are judged than may fail')
    t.equal(throttle.peek(bob), 0)
    await throttle.fail(alice)
    t.equal(throttle.peek(alice), 3, 'whoever is banned waits for no turn')
  })
  t.equal(throttle.peek(alice), 3, 'seconds are rounded up')
  t.equal(await throttle.check(alice), 3)
  t.equal(throttle.peek(bob), 0)
})

t.test(
  'of the attempts of one user no more than a thousand wait for their turn, and whoever is banned does not',
  async (t) => {
    const rig = createRig({ THROTTLE_USER_FAILURES: '1' })
    const challenge = first(await rig.challenges())
    const { findHa1 } = rig.mirror
    let answer = () => undefined as unknown
    rig.mirror.findHa1 = async (...key) => {
      await new Promise<void>((resolve) => {
        answer = resolve
      })
      return findHa1(...key)
    }
    const guess = () => rig.reply(challenge, WRONG, HERE)
    const [judged, ...waiting] = Array.from({ length: 1_001 }, guess)
    t.equal(await guess(), 'unavailable')
    answer()
    t.equal(await judged, 'bad_response')
    t.same([...new Set(await Promise.all(waiting))], ['throttled'])
  },
)

t.test('while Redis is away a node throttles by what it has seen itself', async (t) => {
  const server = await startRedis(t)
  const redis = connectRedis(server.url, createLog('silent'))
  t.teardown(() => redis.disconnect())
  await new Promise((resolve) => redis.once('ready', resolve))
  const [one, two] = [createRig({}, redis), createRig({}, redis)]
  await fail(one, 5)
  await fail(two, 5)
  t.equal(await one.attempt({}, HERE), 'throttled', 'all nodes count together')
  await server.stop()
  t.equal(await one.attempt({}, HERE), 'ok', 'what Redis knew is out of reach')
  await fail(one, 10)
  t.equal(await one.attempt({}, HERE), 'throttled')
})

t.test('of a burst of guesses no more are judged than one after the other', async (t) => {
  const rig = createRig()
  const challenge = first(await rig.challenges())
  async function burst(sourceIp: string): Promise<number> {
    const guesses = Array.from({ length: 300 }, (_, n) =>
      rig.reply(challenge, { password: `guess ${n}` }, { sourceIp }),
    )
    const reasons = await Promise.all(guesses)
    const judged = reasons.filter((reason) => reason === 'bad_response').length
    t.equal(reasons.filter((reason) => reason === 'throttled').length, 300 - judged)
    return judged
  }
  t.equal(await burst('192.0.2.7'), 10)
  await fail(rig, 7)
  t.equal(await burst(HERE.sourceIp), 3, 'those before it count')
})

t.test('of a burst over several nodes each judges no more than may fail in all', async (t) => {
  const server = await startRedis(t)
  const redis = connectRedis(server.url, createLog('silent'))
  t.teardown(() => redis.disconnect())
  await new Promise((resolve) => redis.once('ready', resolve))
  const nodes = [createRig({}, redis), createRig({}, redis)]
  const bursts = nodes.map(async (rig) => {
    const challenge = first(await rig.challenges())
    return Array.from({ length: 100 }, (_, n) => rig.reply(challenge, { password: `guess ${n}` }, HERE))
  })
  const reasons = await Promise.all((await Promise.all(bursts)).flat())
  const judged = reasons.filter((reason) => reason === 'bad_response').length
  t.ok(judged >= 10 && judged <= 20, `${judged} judged`)
  t.equal(reasons.filter((reason) => reason === 'throttled').length, 200 - judged)
})

t.test('one phone that hammers bans itself alone: what comes from it while it is banned does not count', async (t) => {
  const rig = createRig({ THROTTLE_RETRY_FAILURES: '0' })
  rig.add('bob', 'Correct-Horse-42')
  let judged = 0
  const reasons = new Set<string>()
  for (let second = 0; second < 600; second += 10) {
    for (let time = 0; time < 15; time++) if ((await rig.attempt(WRONG, HERE)) === 'bad_response') judged++
    reasons.add(await rig.attempt({ username: 'bob' }, HERE))
    rig.advance(10_000)
  }
  t.same([...reasons], ['ok'], 'another phone behind its address is let in all the time')
  t.equal(judged, 40, 'ten for each of its bans of 1, 2, 4 and 8 minutes')
})

t.test('twenty phones with old passwords behind one address lock nobody else out', async (t) => {
  const rig = createRig()
  rig.add('bob', 'Correct-Horse-42')
  const reasons = new Set<string>()
  for (let minute = 0; minute < 60; minute++) {
    for (let phone = 0; phone < 20; phone++) await rig.attempt({ username: `old${phone}` }, HERE)
    reasons.add(await rig.attempt({ username: 'bob' }, HERE))
    rig.advance(60_000)
  }
  t.same([...reasons], ['ok'])
})
