import t from 'tap'
import { createMemoryUseRecord } from '../../src/auth/memory-use-record.js'
import { createReplayGuard, type LocalUseRecord, type UseRecord } from '../../src/auth/replay-guard.js'
import { createLog } from '../../src/log.js'
import { createMetrics } from '../../src/metrics.js'
import { connectRedis } from '../../src/redis/client.js'
import { createRedisUseRecord } from '../../src/redis/use-record.js'
import { startRedis } from '../fixtures/redis.js'
import { answer, URI } from './phone.js'
import { createRig, first, type Rig } from './rig.js'

t.test('a nonce count must grow: gaps are allowed, an equal or lower one is a replay', async (t) => {
  const rig = createRig()
  const challenge = first(await rig.challenges())
  const tries: readonly (readonly [string, string])[] = [
    ['00000000', 'replayed_nonce'],
    ['00000001', 'ok'],
    ['00000001', 'replayed_nonce'],
    ['00000002', 'ok'],
    ['0000000a', 'ok'],
    ['0000000A', 'replayed_nonce'],
    ['00000003', 'replayed_nonce'],
    ['ffffffff', 'ok'],
    ['ffffffff', 'replayed_nonce'],
    ['00000000', 'replayed_nonce'],
  ]
  for (const [nc, reason] of tries) t.equal(await rig.reply(challenge, { nc }), reason, nc)
  t.equal(await rig.attempt(), 'ok', 'another nonce counts from the beginning')
})

t.test('a replay is answered with a fresh challenge marked stale, and counts as no failure', async (t) => {
  const rig = createRig({ THROTTLE_USER_FAILURES: '1' })
  const challenge = first(await rig.challenges())
  const request = { authorizations: [answer(challenge)], uri: URI, sourceIp: '192.0.2.1' }
  t.match(await rig.verify(request), { reason: 'ok' })
  const verdict = await rig.verify(request)
  t.match(verdict, { reason: 'replayed_nonce', challenges: [{ stale: true }] })
  if (!('challenges' in verdict)) return
  t.not(first(verdict.challenges).nonce, challenge.nonce)
  t.equal(await rig.reply(first(verdict.challenges), {}, { sourceIp: '192.0.2.1' }), 'ok')
})

t.test('only a right response spends its nonce count: a wrong guess does not burn it', async (t) => {
  const rig = createRig()
  const challenge = first(await rig.challenges())
  t.equal(await rig.reply(challenge, { nc: 'ffffffff', password: 'wrong' }), 'bad_response')
  t.equal(await rig.reply(challenge, { nc: 'ffffffff', username: 'nobody' }), 'unknown_user')
  t.equal(await rig.reply(challenge, { nc: '00000009' }, { identity: 'bob' }), 'identity_mismatch')
  t.equal(await rig.reply(challenge, { nc: '00000009' }, { uri: 'sip:elsewhere.example' }), 'uri_mismatch')
  t.equal(await rig.reply(challenge, { nc: '00000001' }), 'ok')
})

t.test(
  'a changed cnonce does not make a nonce count new, and one user does not spend the count of another',
  async (t) => {
    const rig = createRig()
    rig.add('bob', 'Correct-Horse-42')
    const challenge = first(await rig.challenges())
    t.equal(await rig.reply(challenge), 'ok')
    t.equal(await rig.reply(challenge, { cnonce: 'another' }), 'replayed_nonce')
    t.equal(await rig.reply(challenge, { username: 'bob' }), 'ok')
  },
)

t.test('of simultaneous uses of one nonce count exactly one is let in', async (t) => {
  const rig = createRig()
  const challenge = first(await rig.challenges())
  const reasons = await Promise.all(Array.from({ length: 20 }, () => rig.reply(challenge)))
  t.equal(reasons.filter((reason) => reason === 'ok').length, 1)
  t.equal(reasons.filter((reason) => reason === 'replayed_nonce').length, 19)
})

const NOW = Date.UTC(2026, 0, 1)
const USE = { nonceId: 'n1', expiresAtMs: NOW + 60_000, username: 'alice', count: 1, response: 'r1' }

t.test('the record of uses keeps its promises in memory and in Redis', async (t) => {
  const server = await startRedis(t)
  const redis = connectRedis(server.url, createLog('silent'))
  t.teardown(() => redis.disconnect())
  await new Promise((resolve) => redis.once('ready', resolve))
  const records: Readonly<Record<string, UseRecord>> = {
    memory: createMemoryUseRecord({ alone: true }),
    redis: createRedisUseRecord({ redis, now: () => NOW }),
  }
  for (const [name, record] of Object.entries(records)) {
    t.equal(await record.spend({ ...USE, count: 0 }), false, `${name}: nothing comes before 1`)
    t.equal(await record.spend({ ...USE, count: 5 }), true, name)
    t.equal(await record.spend({ ...USE, count: 5 }), false, `${name}: equal`)
    t.equal(await record.spend({ ...USE, count: 4 }), false, `${name}: lower`)
    t.equal(await record.spend({ ...USE, count: 0xffffffff }), true, `${name}: the highest`)
    t.equal(await record.spend({ ...USE, nonceId: 'n2' }), true, `${name}: another nonce`)
    t.equal(await record.spend({ ...USE, username: 'bob' }), true, `${name}: another user`)
    const plain = { ...USE, nonceId: 'n3', count: undefined }
    t.equal(await record.spend(plain), true, `${name}: without a count, the response`)
    t.equal(await record.spend(plain), false, name)
    t.equal(await record.spend({ ...plain, response: 'r2' }), true, name)
    const race = await Promise.all(Array.from({ length: 20 }, () => record.spend({ ...USE, nonceId: 'n4' })))
    t.equal(race.filter(Boolean).length, 1, `${name}: a race has one winner`)
  }
  const keys = (await redis.keys('sipauth:nc:*')).length
  const ttls = await Promise.all((await redis.keys('sipauth:nc:*')).map((key) => redis.pttl(key)))
  t.ok(keys > 0 && ttls.every((ttl) => ttl > 0 && ttl <= 120_000), 'what is kept ends a minute after its nonce')
})

t.test(
  'a use that another node has spent is refused here, and what this node has seen while Redis is away too',
  async (t) => {
    const shared = createMemoryUseRecord({ alone: true })
    let away = false
    const reach: UseRecord = {
      spend: (use) => (away ? Promise.reject(new Error('no answer')) : shared.spend(use)),
    }
    const node = () =>
      createReplayGuard({
        shared: reach,
        local: createMemoryUseRecord({ alone: true }),
        ...{ strict: false, metrics: createMetrics() },
        log: createLog('silent'),
        now: () => NOW,
      })
    const [one, two] = [node(), node()]
    t.equal(await one.spend(USE), true)
    t.equal(await two.spend(USE), false, 'spent on the other node')
    away = true
    t.equal(await one.spend({ ...USE, count: 2 }), true, 'Redis away: this node guards alone')
    t.equal(await one.spend({ ...USE, count: 2 }), false)
    away = false
    t.equal(await one.spend({ ...USE, count: 2 }), false, 'and remembers when it is back')
  },
)

t.test(
  'REPLAY_GUARD says who is let in while Redis cannot record a use, and a metric tells that it happened',
  async (t) => {
    const server = await startRedis(t)
    const redis = connectRedis(server.url, createLog('silent'))
    t.teardown(() => redis.disconnect())
    await new Promise((resolve) => redis.once('ready', resolve))
    await redis.config('SET', 'maxmemory', '1')
    const failed = async ({ metrics }: Rig) => (await metrics.unsharedSpends.get()).values[0]?.value

    const available = createRig({ REPLAY_GUARD: 'available' }, redis)
    t.equal(await failed(available), 0)
    const open = first(await available.challenges())
    t.equal(await available.reply(open), 'ok', 'by this process alone')
    t.equal(await available.reply(open), 'replayed_nonce')
    t.equal(await failed(available), 1)

    const strict = createRig({ REPLAY_GUARD: 'strict', REDIS_URL: server.url }, redis)
    const challenge = first(await strict.challenges())
    t.equal(await strict.reply(challenge, { nc: '00000001' }), 'unavailable')
    t.equal(await strict.reply(challenge, { nc: '00000002', password: 'wrong' }), 'bad_response', 'nothing to be spent')
    t.equal(await failed(strict), 1)
    await redis.config('SET', 'maxmemory', '0')
    t.equal(await strict.reply(challenge, { nc: '00000001' }), 'replayed_nonce', 'it may have been let in')
    t.equal(await strict.reply(challenge, { nc: '00000002' }), 'ok')
  },
)

t.test('without Redis a nonce from before the start is stale: nobody remembers what was spent of it', async (t) => {
  const before = createRig()
  const challenge = first(await before.challenges())
  t.equal(await before.reply(challenge), 'ok')
  const after = createRig({}, undefined, 5_000)
  t.equal(await after.reply(challenge), 'stale_nonce')
  t.equal(await after.attempt(), 'ok')
})

t.test('a full record that guards alone refuses what it may have forgotten, and nothing newer', async (t) => {
  const use = (nonceId: string, expiresAtMs: number) => ({
    ...{ nonceId, expiresAtMs, username: 'alice', count: 1, response: '' },
  })
  for (const alone of [true, false]) {
    const record = createMemoryUseRecord({ alone, usesMax: 2 })
    for (const [nonceId, end] of [['a', 2_000] as const, ['b', 2_100] as const, ['c', 2_200] as const]) {
      t.ok(await record.spend(use(nonceId, end)))
    }
    t.equal(await record.spend(use('a', 2_000)), !alone, alone ? 'alone: refused' : 'beside another: its word counts')
    t.ok(await record.spend(use('d', 3_000)))
  }
})

t.test(
  'each user of one nonce has a count of his own, whoever came first, and after the first was forgotten',
  async (t) => {
    const use = (username: string, count: number | undefined, nonceId = 'n', response = '') => ({
      ...{ nonceId, expiresAtMs: 2_000, username, count, response },
    })
    const spendAll = (record: LocalUseRecord, uses: readonly (readonly [boolean, ReturnType<typeof use>])[]) => {
      for (const [isNew, one] of uses) t.equal(record.spend(one), isNew, JSON.stringify(one))
    }
    spendAll(createMemoryUseRecord({ alone: true }), [
      [true, use('alice', 2)],
      [true, use('bob', 1)],
      [false, use('bob', 1)],
      [false, use('alice', 2)],
      [true, use('bob', 2)],
      [false, use('alice', 1)],
      [true, use('alice', 3)],
      [false, use('bob', 2)],
      [true, use('bob', undefined, 'n', 'r')],
      [false, use('bob', undefined, 'n', 'r')],
      [true, use('bob', undefined, 'n', 's')],
      [false, use('bob', 2)],
      [true, use('bob', 3)],
    ])
    // Of the two that it holds the older one goes: alice, who was the first of that nonce.
    spendAll(createMemoryUseRecord({ alone: false, usesMax: 2 }), [
      [true, use('alice', 5)],
      [true, use('bob', 5)],
      [true, use('carol', 5, 'other')],
      [false, use('bob', 5)],
      [false, use('bob', 4)],
      [true, use('bob', 6)],
      [false, use('bob', 6)],
    ])
  },
)

t.test('a use outlives its nonce in Redis, for nodes whose clocks are behind', async (t) => {
  const server = await startRedis(t)
  const redis = connectRedis(server.url, createLog('silent'))
  t.teardown(() => redis.disconnect())
  await new Promise((resolve) => redis.once('ready', resolve))
  const ahead = createRedisUseRecord({ redis, now: () => 9_999 })
  const use = { nonceId: 'n', expiresAtMs: 10_000, username: 'alice', count: 1, response: '' }
  t.ok(await ahead.spend(use))
  t.ok((await redis.pttl('sipauth:nc:n:alice')) > 30_000)
  t.notOk(await createRedisUseRecord({ redis, now: () => 5_000 }).spend(use))
})
