import { performance } from 'node:perf_hooks'
import t from 'tap'
import type { Credential } from '../../src/credential.js'
import type { MirrorRecord } from '../../src/mirror/mirror.js'
import { createNearCache } from '../../src/mirror/near-cache.js'
import { createRedisMirror } from '../../src/mirror/redis-mirror.js'
import { computeHa1s } from '../../src/provision/ha1s.js'
import { createInvalidations } from '../../src/redis/invalidations.js'
import type { SipDomain } from '../../src/sip-domain.js'
import { startRedis } from '../fixtures/redis.js'
import { until } from '../fixtures/until.js'
import { openRedis, PASSWORD, SILENT } from '../provision/stage.js'

const server = await startRedis(t)
const redis = await openRedis(t, server.url)
const invalidations = createInvalidations({ redis, log: SILENT, now: () => performance.now() })
const near = createNearCache({ invalidations, max: 1_000 })
const mirror = createRedisMirror(redis, near)
/** Writes as another node does. */
const other = createRedisMirror(redis)
invalidations.start()
t.teardown(() => invalidations.close())
await until(() => mirror.current && invalidations.live)

const REALM = 'example.com'
const HA1S = computeHa1s('alice', REALM, PASSWORD)
let version = 0

t.beforeEach(async () => {
  await redis.flushall()
  await until(() => near.size === 0 && !near.complete && mirror.current)
})

function credential(holds: Partial<Credential> | undefined = {}, username = 'alice'): MirrorRecord {
  const key = { kind: 'credential', realm: REALM, username, version: String(++version) } as const
  if (holds === undefined) return { ...key, holds }
  const sids = { accountSid: 'AC1', credentialListSid: 'CL1', credentialSid: `CR-${username}` }
  return { ...key, holds: { ...key, ...sids, ha1s: HA1S, active: true, ...holds } }
}

function deleted(): MirrorRecord {
  return { kind: 'credential', realm: REALM, username: 'alice', version: String(++version), holds: undefined }
}

function realm(active: boolean): MirrorRecord {
  const holds = { algorithms: ['SHA-256', 'MD5'], lacking: [], active } as const
  return { kind: 'realm', realm: REALM, version: String(++version), holds: { ...holds } }
}

function domain(holds: Partial<SipDomain> | undefined): MirrorRecord {
  const name = 'pbx.example'
  const plain = { name, sid: 'SD1', accountSid: 'AC1', realm: REALM, active: true, ipRanges: undefined }
  const key = { kind: 'domain', domain: name, version: String(++version) } as const
  const mapped = { calls: ['CL1'], registrations: [] }
  return { ...key, holds: holds && { ...plain, ...mapped, version: key.version, ...holds } }
}

/** Marks the mirror as complete for long. */
async function markComplete(): Promise<void> {
  await redis.hset('sipauth:mirror', 'state', 'complete', 'at', '1')
  await until(async () => (await mirror.isComplete()) && near.complete)
}

/** How many hashes were read in Redis. */
async function calls(): Promise<number> {
  return Number(/cmdstat_hmget:calls=(\d+)/.exec(await server.cli('INFO', 'commandstats'))?.[1])
}

const peek = (username = 'alice') => mirror.near?.peekHa1(REALM, username, 'ha1')
/** Asks until the answer is held: the word of an earlier write may come late. */
const hold = (username = 'alice') =>
  until(async () => {
    await mirror.findHa1(REALM, username, 'ha1')
    return peek(username)
  })

t.test('what was found is near, as it was found', async (t) => {
  await other.apply([credential()])
  t.equal(peek(), undefined)
  await hold()
  const found = await mirror.findHa1(REALM, 'alice', 'ha1')
  t.match(found, { credentialSid: 'CR-alice', usable: true, ha1: HA1S.ha1 })
  t.same(peek(), found)
})

t.test('another HA1 of the same credential is asked for, and then all are near', async (t) => {
  await other.apply([credential()])
  await hold()
  const fields = ['ha1_sha256', 'ha1b', 'ha1b_sha512_256'] as const
  for (const field of fields) {
    t.equal(mirror.near?.peekHa1(REALM, 'alice', field), undefined)
    await until(async () => {
      await mirror.findHa1(REALM, 'alice', field)
      return mirror.near?.peekHa1(REALM, 'alice', field)
    })
  }
  for (const field of fields) t.equal(mirror.near?.peekHa1(REALM, 'alice', field)?.ha1, HA1S[field])
  await redis.hdel(`sipauth:cred:${REALM}:alice`, 'ha1_sha256')
  await until(async () => {
    await mirror.findHa1(REALM, 'alice', 'ha1_sha256')
    return mirror.near?.peekHa1(REALM, 'alice', 'ha1_sha256')
  })
  t.match(mirror.near?.peekHa1(REALM, 'alice', 'ha1_sha256'), { usable: true, ha1: undefined }, 'it has none')
})

const CHANGES: Readonly<Record<string, readonly [MirrorRecord, object | undefined]>> = {
  'a changed password': [credential({ ha1s: computeHa1s('alice', REALM, 'Another-Horse-8') }), { usable: true }],
  'a disabled credential': [credential({ ha1s: undefined }), { usable: false, ha1: undefined, doubtful: true }],
  'a deleted credential': [deleted(), undefined],
  'a suspended account': [realm(false), { usable: false, ha1: undefined, doubtful: false }],
}

for (const [name, [change, found]] of Object.entries(CHANGES)) {
  const again = { ...change, version: '1000' } as MirrorRecord
  t.test(`${name} on another node takes away what is near`, async (t) => {
    await other.apply([credential()])
    await hold()
    await other.apply([again])
    await until(() => peek() === undefined)
    const now = await mirror.findHa1(REALM, 'alice', 'ha1')
    if (found) t.match(now, found)
    else t.equal(now, undefined)
    t.not(now?.ha1, HA1S.ha1)
  })

  t.test(`${name} of this node counts as soon as it is applied, whether Redis has told of it or not`, async (t) => {
    const deaf = { live: true, losses: 0, follow() {}, start() {}, close() {} }
    const mirror = createRedisMirror(redis, createNearCache({ invalidations: deaf, max: 10 }))
    await until(() => mirror.current)
    await mirror.apply([credential()])
    await mirror.findHa1(REALM, 'alice', 'ha1')
    t.equal(mirror.near?.peekHa1(REALM, 'alice', 'ha1')?.ha1, HA1S.ha1)
    await mirror.apply([again])
    t.equal(mirror.near?.peekHa1(REALM, 'alice', 'ha1'), undefined)
  })
}

t.test('that there is nothing is known only while the mirror is known to be complete', async (t) => {
  const nothing = [
    () => peek('nobody'),
    () => mirror.near?.peekRealm(REALM),
    () => mirror.near?.peekDomain('pbx.example'),
  ]
  const ask = () =>
    Promise.all([mirror.findHa1(REALM, 'nobody', 'ha1'), mirror.findRealm(REALM), mirror.findDomain('pbx.example')])
  t.same(await ask(), [undefined, undefined, undefined])
  await until(async () => (await ask()) && near.size > 0)
  t.same(
    nothing.map((each) => each()),
    [undefined, undefined, undefined],
    'and not believed',
  )
  await markComplete()
  await until(async () => (await ask()) && nothing.every((each) => each() === null))
  await redis.hset('sipauth:mirror', 'state', 'building')
  await until(() => nothing.every((each) => each() === undefined))
  t.notOk(await mirror.isComplete())
  await redis.hset('sipauth:mirror', 'state', 'complete')
  await until(() => near.complete)
  t.same(
    nothing.map((each) => each()),
    [null, null, null],
    'it asks by itself whether it is complete again',
  )
})

t.test('realms and domains are near, until they change', async (t) => {
  await other.apply([realm(true), domain({})])
  const peeks = () => [mirror.near?.peekRealm(REALM), mirror.near?.peekDomain('pbx.example')]
  const ask = () => Promise.all([mirror.findRealm(REALM), mirror.findDomain('pbx.example')])
  await until(async () => (await ask()) && peeks().every((each) => each))
  t.same(peeks(), await ask())
  await other.apply([realm(false), domain({ active: false })])
  await until(() => peeks().every((each) => each === undefined))
  t.match(await ask(), [{ active: false }, { active: false }])
})

t.test('a credential asks one command of Redis, and its realm once', async (t) => {
  await other.apply([credential(), credential({}, 'bob')])
  // A machine that stands still for a moment loses what is near, and asks for the realm anew.
  await until(async () => {
    await hold()
    const before = await calls()
    await mirror.findHa1(REALM, 'bob', 'ha1')
    return (await calls()) - before === 1
  })
  t.equal(near.size > 0, true)
})

t.test('a mirror that was behind has nothing near that was read meanwhile', async (t) => {
  await other.apply([credential()])
  await hold()
  mirror.setBehind(true)
  t.equal(near.size, 0)
  await mirror.findHa1(REALM, 'alice', 'ha1')
  t.equal(near.size, 0, 'nor is anything held of it')
  mirror.setBehind(false)
  await hold()
})

t.test('a read that fails leaves nothing behind', async (t) => {
  await other.apply([credential()])
  await redis.set(`sipauth:cred:${REALM}:broken`, 'no hash')
  await t.rejects(mirror.findHa1(REALM, 'broken', 'ha1'), /WRONGTYPE/)
  await redis.del(`sipauth:cred:${REALM}:broken`)
  await other.apply([credential({}, 'broken')])
  await hold('broken')
  t.match(peek('broken'), { usable: true })
})
