import { performance } from 'node:perf_hooks'
import { Redis } from 'ioredis'
import t from 'tap'
import { type Checks, createChecks } from '../../src/checks.js'
import { readConfig } from '../../src/config.js'
import type { Ha1Field } from '../../src/credential.js'
import type { Challenge } from '../../src/digest/challenge.js'
import { createMetrics } from '../../src/metrics.js'
import { createNearCache } from '../../src/mirror/near-cache.js'
import { createRedisMirror } from '../../src/mirror/redis-mirror.js'
import { computeHa1s } from '../../src/provision/ha1s.js'
import { createInvalidations } from '../../src/redis/invalidations.js'
import { Secret } from '../../src/secret.js'
import { createSid } from '../../src/sid.js'
import { answer, REALM, URI } from '../auth/phone.js'
import { first } from '../auth/rig.js'
import { scriptedStore } from '../auth/scripted-store.js'
import type { Owner } from '../fixtures/process.js'
import { startRedis } from '../fixtures/redis.js'
import { until } from '../fixtures/until.js'
import { openRedis, PASSWORD, SILENT } from '../provision/stage.js'

const server = await startRedis(t)
const redis = await openRedis(t, server.url)
const now = () => performance.timeOrigin + performance.now()

const BANNED_AFTER = { THROTTLE_USER_FAILURES: '2' }
const NEVER_BANNED = {
  ...{ THROTTLE_USER_FAILURES: '0', THROTTLE_SOURCE_FAILURES: '0', THROTTLE_RETRY_FAILURES: '0' },
}

/** The checks over Redis, holding near what they ask for or not. */
async function open(t: Owner, env: Readonly<Record<string, string>>, isNear: boolean): Promise<Checks> {
  await redis.flushall()
  const invalidations = isNear ? createInvalidations({ redis, log: SILENT, now: () => performance.now() }) : undefined
  const near = invalidations && createNearCache({ invalidations, max: 1_000 })
  const mirror = createRedisMirror(redis, near)
  const checks = createChecks({
    config: readConfig(env),
    ...{ redis, invalidations, mirror, database: scriptedStore(), metrics: createMetrics(), log: SILENT, now },
    ...{ decoySecret: 'a decoy secret', nonceSecrets: [new Secret('a nonce secret')] },
  })
  invalidations?.start()
  t.teardown(() => invalidations?.close())
  await until(() => mirror.current && invalidations?.live !== false)
  await redis.hset('sipauth:mirror', 'state', 'complete', 'at', '1')
  // While what is near does not know of the marker, it is asked for every second.
  await until(async () => (await mirror.isComplete()) && near?.complete !== false)
  await mirror.apply([credential('known1')])
  return checks
}

function credential(username: string) {
  const key = { kind: 'credential', realm: REALM, username, version: '1' } as const
  const [accountSid, credentialListSid] = [createSid('account'), createSid('credentialList')]
  const credentialSid = createSid('credential')
  const ha1s = computeHa1s(username, REALM, PASSWORD)
  return { ...key, holds: { ...key, accountSid, credentialListSid, credentialSid, ha1s, active: true } }
}

const client = new Redis({ path: server.socket, retryStrategy: () => null })
const monitor = await client.monitor()
client.disconnect()
t.teardown(() => monitor.disconnect())

/** What is asked whenever there is time for it, whoever knocks. */
const BESIDES: ReadonlySet<string> = new Set(['ping', 'scan', 'info', 'client'])

/** What is near, and read when Redis tells that it changed, or after nothing was heard of it for a moment. */
const WHEN_TOLD = /^sipauth:(ban|realm):/

/**
 * Commands that reach Redis meanwhile, those in scripts too, with their keys; the user's name is left out.
 */
async function watch(username: string, isNear: boolean, action: () => Promise<unknown>): Promise<string[]> {
  const seen: string[] = []
  let isOver = false
  const take = (_time: string, [name = '', ...args]: string[]) => {
    if (name === 'echo') isOver = true
    else if (!BESIDES.has(name) && !(isNear && WHEN_TOLD.test(args[0] ?? '')))
      seen.push([name, ...args.filter((arg) => arg.startsWith('sipauth:'))].join(' '))
  }
  monitor.on('monitor', take)
  await action()
  await redis.echo('over')
  await until(() => isOver)
  monitor.off('monitor', take)
  return seen.map((line) => line.replaceAll(username, 'USER'))
}

/** Lengths of all strings as long as a SID or an HA1 that are made of bytes meanwhile. */
async function countStrings(action: () => Promise<unknown>): Promise<number[]> {
  const lengths: number[] = []
  const original = Buffer.prototype.toString
  Buffer.prototype.toString = function (this: Buffer, ...args: Parameters<typeof original>) {
    if (this.length === 34 || this.length === 32 || this.length === 64) lengths.push(this.length)
    return original.apply(this, args)
  }
  try {
    await action()
  } finally {
    Buffer.prototype.toString = original
  }
  return lengths
}

for (const [how, isNear, env] of [
  ['counted', true, {}],
  ['not counted', true, NEVER_BANNED],
  ['nothing near, until both are banned', false, BANNED_AFTER],
  ['nothing near and not counted', false, NEVER_BANNED],
] as const) {
  t.test(`Redis is asked the same about a user whom nobody knows and about a wrong password, ${how}`, async (t) => {
    const { authenticator, ha1Lookup } = await open(t, env, isNear)
    const verify = (authorizations: readonly string[]) =>
      authenticator.verify('http', {
        method: 'REGISTER',
        realm: REALM,
        uri: URI,
        sourceIp: '192.0.2.7',
        authorizations,
      })
    const challenged = await verify([])
    const challenge = first('challenges' in challenged ? challenged.challenges : ([] as Challenge[]))
    const guess = async (username: string) =>
      (await verify([answer(challenge, { username, password: 'wrong' })])).reason
    await watch('nobody0', isNear, () => guess('nobody0')) // what is asked once for all
    const reasons: string[][] = []
    const asked = async (username: string) => {
      const mine: string[] = []
      const twice = [
        await watch(username, isNear, async () => mine.push(await guess(username))),
        await watch(username, isNear, async () => mine.push(await guess(username))),
        await watch(username, isNear, async () => mine.push(await guess(username))),
        await watch(username, isNear, () => ha1Lookup.find({ realm: REALM, username, algorithm: 'MD5', decoy: true })),
      ]
      reasons.push(mine)
      return twice
    }
    t.same(await asked('nobody1'), await asked('known1'))
    const last = env === BANNED_AFTER ? 'throttled' : undefined
    t.same(reasons, [
      ['unknown_user', 'unknown_user', last ?? 'unknown_user'],
      ['bad_response', 'bad_response', last ?? 'bad_response'],
    ])
  })
}

t.test('as many strings are read for a user whom nobody knows as for one whom Redis holds', async (t) => {
  monitor.disconnect() // it reads strings too
  await open(t, {}, false)
  const mirror = createRedisMirror(redis)
  for (const field of ['ha1', 'ha1b', 'ha1_sha256', 'ha1b_sha512_256'] satisfies Ha1Field[]) {
    const known = await countStrings(() => mirror.findHa1(REALM, 'known1', field))
    const unknown = await countStrings(() => mirror.findHa1(REALM, 'nobody1', field))
    t.same(known, field === 'ha1' ? [34, 34, 34, 32] : [34, 34, 34, 32, field === 'ha1b' ? 32 : 64])
    t.same(unknown, known, field)
  }
})
