import t from 'tap'
import type { Credential } from '../../src/credential.js'
import type { MirrorRecord, Truth } from '../../src/mirror/mirror.js'
import { createRedisMirror } from '../../src/mirror/redis-mirror.js'
import { computeHa1s } from '../../src/provision/ha1s.js'
import type { SipDomain } from '../../src/sip-domain.js'
import { startRedis } from '../fixtures/redis.js'
import { until } from '../fixtures/until.js'
import { hashOf, openRedis, PASSWORD } from '../provision/stage.js'

const server = await startRedis(t)
const redis = await openRedis(t, server.url)
const mirror = createRedisMirror(redis)
t.beforeEach(() => redis.flushall())

const REALM = 'example.com'
const KEY = `sipauth:cred:${REALM}:alice`

function credential(version: string, ha1s = true): Credential {
  return {
    ...{ realm: REALM, username: 'alice', version },
    ...{ accountSid: 'AC1', credentialListSid: 'CL1', credentialSid: 'CR1' },
    ha1s: ha1s ? computeHa1s('alice', REALM, PASSWORD) : undefined,
    active: true,
  }
}

function record(version: string, ha1s = true): MirrorRecord {
  return { kind: 'credential', realm: REALM, username: 'alice', version, holds: credential(version, ha1s) }
}

function tombstone(version: string): MirrorRecord {
  return { kind: 'credential', realm: REALM, username: 'alice', version, holds: undefined }
}

/** A database that holds one record, or nothing. */
function truthOf(now: MirrorRecord | undefined): Truth {
  const records = now ? [now] : []
  return {
    count: async () => records.length,
    async *walk() {
      yield records
    },
    read: async () => records,
  }
}

t.test('a credential has exactly the fields that proxies are promised', async (t) => {
  await mirror.apply([record('7')])
  const ha1s = computeHa1s('alice', REALM, PASSWORD)
  t.same(await hashOf(redis, REALM, 'alice'), { account: 'AC1', list: 'CL1', sid: 'CR1', v: '7', ...ha1s })
  t.equal(await server.cli('HGET', KEY, 'ha1'), ha1s.ha1)
  t.equal(await redis.pttl(KEY), -1, 'it never expires')
})

t.test('a credential that may not authenticate has no HA1 field', async (t) => {
  await mirror.apply([record('7')])
  await mirror.apply([record('8', false)])
  t.same(await hashOf(redis, REALM, 'alice'), { account: 'AC1', list: 'CL1', sid: 'CR1', v: '8' })
  t.match(await mirror.findHa1(REALM, 'alice', 'ha1'), { credentialSid: 'CR1', usable: false, ha1: undefined })
})

t.test('what is no HA1 of the right length is none, most of all an empty one', async (t) => {
  const { ha1 } = computeHa1s('alice', REALM, PASSWORD)
  await mirror.apply([record('7')])
  for (const odd of ['', 'x'.repeat(64), ha1, ha1.toUpperCase().repeat(2)]) {
    await redis.hset(KEY, 'ha1_sha256', odd)
    t.match(await mirror.findHa1(REALM, 'alice', 'ha1_sha256'), { usable: true, ha1: undefined }, odd)
  }
  await redis.hset(KEY, 'ha1', '')
  t.match(await mirror.findHa1(REALM, 'alice', 'ha1'), { usable: false, ha1: undefined })
})

t.test('only a version that is not older is taken, in whatever order versions come', async (t) => {
  for (const versions of [
    ['9', '10', '8'],
    ['10', '9', '8'],
    ['8', '10', '9'],
  ]) {
    await redis.flushall()
    for (const version of versions) await mirror.apply([record(version)])
    t.equal(await redis.hget(KEY, 'v'), '10')
  }
})

t.test('versions above what a double can tell apart are told apart', async (t) => {
  await mirror.apply([record('9007199254740993')])
  await mirror.apply([record('9007199254740992', false)])
  t.equal(await redis.hget(KEY, 'v'), '9007199254740993')
  await mirror.apply([record('9007199254740994', false)])
  t.equal(await redis.hget(KEY, 'v'), '9007199254740994')
})

t.test(
  'a deletion leaves its version for an hour, which keeps an older change out and lets a newer one in',
  async (t) => {
    await mirror.apply([record('7')])
    await mirror.apply([tombstone('8')])
    t.same(await hashOf(redis, REALM, 'alice'), { v: '8' })
    const left = await redis.pttl(KEY)
    t.ok(left > 3_590_000 && left <= 3_600_000, String(left))
    t.equal(await mirror.findHa1(REALM, 'alice', 'ha1'), undefined)
    await mirror.apply([record('7')])
    t.same(await hashOf(redis, REALM, 'alice'), { v: '8' })
    await mirror.apply([record('9')])
    t.equal(await redis.hget(KEY, 'v'), '9')
    t.equal(await redis.pttl(KEY), -1)
  },
)

t.test('a realm has its algorithms beside it, and a tombstone when it has none any more', async (t) => {
  const realm = { kind: 'realm', realm: REALM } as const
  const offer = { algorithms: ['SHA-256', 'MD5'], lacking: [], active: true } as const
  await mirror.apply([{ ...realm, version: '3', holds: offer }])
  t.same(await redis.hgetall(`sipauth:realm:${REALM}`), { v: '3', algorithms: 'SHA-256,MD5' })
  t.same(await mirror.findRealm(REALM), offer)
  await mirror.apply([{ ...realm, version: '4', holds: undefined }])
  t.equal(await mirror.findRealm(REALM), undefined)
  t.ok((await redis.pttl(`sipauth:realm:${REALM}`)) > 0)
})

t.test('a realm whose account is not active says so, and nobody of it is usable', async (t) => {
  const realm = { kind: 'realm', realm: REALM } as const
  const inactive = { algorithms: undefined, lacking: [], active: false } as const
  await mirror.apply([record('1'), { ...realm, version: '2', holds: inactive }])
  t.same(await redis.hgetall(`sipauth:realm:${REALM}`), { v: '2', active: '0' })
  t.same(await mirror.findRealm(REALM), inactive)
  const found = () => mirror.findHa1(REALM, 'alice', 'ha1')
  t.match(await found(), { credentialSid: 'CR1', usable: false, ha1: undefined, doubtful: false })
  await mirror.apply([{ ...realm, version: '3', holds: undefined }])
  t.match(await found(), { usable: true, doubtful: false })
  const key = { kind: 'credential', realm: REALM, username: 'alice' } as const
  await mirror.apply([{ ...key, version: '4', holds: { ...credential('4'), active: false } }])
  t.same(await hashOf(redis, REALM, 'alice'), { account: 'AC1', list: 'CL1', sid: 'CR1', v: '4' })
  t.match(await found(), { usable: false, doubtful: true }, 'not followed yet, or disabled')
})

t.test('what not all users of a realm can answer stands beside its algorithms', async (t) => {
  const offer = { algorithms: undefined, lacking: ['SHA-256', 'SHA-512-256'], active: true } as const
  await mirror.apply([{ kind: 'realm', realm: REALM, version: '3', holds: offer }])
  t.same(await redis.hgetall(`sipauth:realm:${REALM}`), { v: '3', lacking: 'SHA-256,SHA-512-256' })
  t.same(await mirror.findRealm(REALM), offer)
})

t.test('a domain has its realm and mappings, and a tombstone when it is gone', async (t) => {
  const key = 'sipauth:domain:pbx.example'
  const domain = {
    ...{ name: 'pbx.example', sid: 'SD1', accountSid: 'AC1', realm: REALM, version: '5', active: true },
    ...{ calls: ['CL1', 'CL2'], registrations: [], ipRanges: ['192.0.2.0/24', '2001:db8::/32'] },
  }
  const apply = (version: string, holds: SipDomain | undefined) =>
    mirror.apply([{ kind: 'domain', domain: 'pbx.example', version, holds: holds && { ...holds, version } }])
  await apply('5', domain)
  t.same(await redis.hgetall(key), {
    ...{ v: '5', sid: 'SD1', account: 'AC1', realm: REALM, active: '1' },
    ...{ calls: 'CL1,CL2', registrations: '', ip: '192.0.2.0/24,2001:db8::/32' },
  })
  t.same(await mirror.findDomain('pbx.example'), domain)
  t.equal(await mirror.findDomain('other.example'), undefined)
  await apply('4', undefined)
  t.same(await mirror.findDomain('pbx.example'), domain, 'an older change does not count')
  for (const [version, ipRanges] of [
    ['6', []],
    ['7', undefined],
  ] as const) {
    await apply(version, { ...domain, active: false, ipRanges })
    t.same(await mirror.findDomain('pbx.example'), { ...domain, version, active: false, ipRanges })
  }
  await apply('8', undefined)
  t.equal(await mirror.findDomain('pbx.example'), undefined)
  t.same(await redis.hgetall(key), { v: '8' })
  t.ok((await redis.pttl(key)) > 0)
})

t.test('a version that is higher than the truth is damage, and does not keep a change out', async (t) => {
  await mirror.apply([record('999', false)])
  await mirror.apply([record('7')], truthOf(record('7')))
  t.equal(await redis.hget(KEY, 'v'), '7')
  await mirror.apply([record('12', false)])
  await mirror.apply([record('7')], truthOf(record('12', false)))
  t.equal(await redis.hget(KEY, 'v'), '12', 'the truth has moved on: nothing is wrong')
  await mirror.apply([tombstone('13')])
  await mirror.apply([record('12')], truthOf(undefined))
  t.same(await hashOf(redis, REALM, 'alice'), { v: '13' }, 'the row is gone: the deletion stays')
})

t.test('whatever else lies at the key is overwritten', async (t) => {
  const damages: (() => Promise<unknown>)[] = [
    () => redis.set(KEY, 'a string'),
    () => redis.rpush(KEY, 'a list'),
    () => redis.hset(KEY, 'v', 'not a number'),
    () => redis.hset(KEY, 'v', ''),
    () => redis.hset(KEY, 'sid', 'without a version'),
  ]
  for (const damage of damages) {
    await redis.flushall()
    await damage()
    await mirror.apply([record('7')])
    const { v, sid } = await hashOf(redis, REALM, 'alice')
    t.same({ v, sid }, { v: '7', sid: 'CR1' })
  }
})

t.test('more records than one batch are all taken', async (t) => {
  const many = Array.from({ length: 450 }, (_, n) => ({ ...record('5'), username: `user${n}` })) as MirrorRecord[]
  await mirror.apply(many)
  t.equal((await redis.keys('sipauth:cred:*')).length, 450)
})

t.test('of records that come together each is taken or left for itself', async (t) => {
  const versions = ['4', '7', '10'] as const
  const of = (n: number, version: string, holds = true): MirrorRecord =>
    ({ ...(holds ? record(version) : tombstone(version)), username: `user${n}` }) as MirrorRecord
  const numbers = Array.from({ length: 120 }, (_, n) => n)
  await mirror.apply(numbers.map((n) => of(n, versions[n % 3] ?? '', n % 2 === 0)))
  // Every fifth one is known to the truth as it was read, so what is newer in Redis there is damage.
  const read: string[] = []
  const truth: Truth = {
    ...truthOf(undefined),
    async read(keys) {
      const names = keys.map((key) => (key.kind === 'credential' ? key.username : key.kind))
      read.push(...names)
      return numbers.filter((n) => n % 5 === 0 && names.includes(`user${n}`)).map((n) => of(n, '7', n % 4 !== 3))
    },
  }
  await mirror.apply(
    numbers.map((n) => of(n, '7', n % 4 !== 3)),
    truth,
  )
  for (const n of numbers) {
    const stays = n % 3 === 2 && n % 5 !== 0
    const held = stays ? n % 2 === 0 : n % 4 !== 3
    const { v, sid } = await hashOf(redis, REALM, `user${n}`)
    t.same({ v, sid }, { v: stays ? '10' : '7', sid: held ? 'CR1' : undefined }, `user${n}`)
    t.equal((await redis.pttl(`sipauth:cred:${REALM}:user${n}`)) > 0, !held, 'a tombstone ends, a credential does not')
  }
  t.same(
    read.sort(),
    numbers.flatMap((n) => (n % 3 === 2 ? [`user${n}`] : [])).sort(),
    'only what is newer is asked for',
  )
})

t.test('one name that comes twice is left as its newest version says, in whatever order they come', async (t) => {
  for (const both of [
    [record('7'), tombstone('8')],
    [tombstone('8'), record('7')],
  ]) {
    await redis.flushall()
    await mirror.apply(both, truthOf(undefined))
    t.same(await hashOf(redis, REALM, 'alice'), { v: '8' })
  }
})

t.test('a thousand records are a few calls, none of which keeps Redis from others for long', async (t) => {
  const many = Array.from({ length: 1_000 }, (_, n) => ({ ...record('5'), username: `user${n}` })) as MirrorRecord[]
  await mirror.apply(many)
  await redis.config('RESETSTAT')
  await mirror.apply(many)
  const [, calls] = /cmdstat_evalsha:calls=(\d+)/.exec(await redis.info('commandstats')) ?? []
  t.equal(calls, '20')
})

t.test('a Redis that lost its scripts is sent them again', async (t) => {
  await redis.script('FLUSH')
  await mirror.apply([record('7')])
  t.equal(await redis.hget(KEY, 'v'), '7')
})

t.test('a Redis that does not answer makes taking and finding fail, within the time for a command', async (t) => {
  server.pause()
  t.teardown(() => server.resume())
  await t.rejects(mirror.apply([record('7')]))
  await t.rejects(mirror.findHa1(REALM, 'alice', 'ha1'))
  await t.rejects(mirror.isComplete())
})

t.test('a mirror that is behind, or whose connection is gone, is not current', async (t) => {
  await until(() => mirror.current)
  mirror.setBehind(true)
  t.notOk(mirror.current)
  mirror.setBehind(false)
  t.ok(mirror.current)
  await server.stop()
  await until(() => !mirror.current)
  await t.rejects(mirror.findHa1(REALM, 'alice', 'ha1'))
  await server.restart()
  await until(() => mirror.current)
})
