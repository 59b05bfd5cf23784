import { Redis } from 'ioredis'
import { createCredentialSource } from '../src/auth/credential-source.js'
import { createLog } from '../src/log.js'
import { createMetrics } from '../src/metrics.js'
import type { MirrorRecord } from '../src/mirror/mirror.js'
import { createNearCache } from '../src/mirror/near-cache.js'
import { createRedisMirror } from '../src/mirror/redis-mirror.js'
import { computeHa1s } from '../src/provision/ha1s.js'
import { connectRedis } from '../src/redis/client.js'
import { createInvalidations } from '../src/redis/invalidations.js'
import { startRedis } from '../test/fixtures/redis.js'
import { until } from '../test/fixtures/until.js'
import type { Row } from './report.js'
import { quantile, sideBySide } from './rounds.js'

const REALM = 'pbx.example.com'
/** More users than are held near, asked for in turn: whoever is asked for went longest ago, so that each is a miss. */
const USERS = 1_000
const NEAR = 500
const SERIAL = 500
const AT_ONCE = 128
const BATCHES = 10
/** Many short rounds in turn: a machine that is busy for a while is busy for both. */
const ROUNDS = 41

/** The credential source's lookup in Redis beside a bare HMGET of the same fields, over TCP and a unix socket. */
export async function benchmarkRedisLookup(): Promise<Row[]> {
  const server = await startRedis(undefined, { tcp: true })
  const rows: Row[] = []
  const urls = { TCP: `redis://127.0.0.1:${server.port}`, 'unix socket': `unix://${server.socket}` }
  for (const [over, url] of Object.entries(urls)) rows.push(...(await benchmarkConnection(over, url)))
  await server.stop()
  return rows
}

async function benchmarkConnection(over: string, url: string): Promise<Row[]> {
  const redis = connectRedis(url, createLog('error'))
  const bare = url.startsWith('unix://') ? new Redis(url.slice('unix://'.length)) : new Redis(url)
  await Promise.all([redis, bare].map((client) => new Promise((resolve) => client.once('ready', resolve))))
  const invalidations = createInvalidations({ redis, log: createLog('error'), now: () => performance.now() })
  const near = createNearCache({ invalidations, max: NEAR })
  const mirror = createRedisMirror(redis, near)
  invalidations.start()
  await mirror.apply(Array.from({ length: USERS }, (_, index) => toRecord(`user${index}`)))
  const noDatabase = () => Promise.reject(new Error('the database must not be asked'))
  const source = createCredentialSource({
    mirror,
    database: { findHa1: noDatabase, findRealm: noDatabase, findDomain: noDatabase },
    metrics: createMetrics(),
    log: createLog('error'),
    now: Date.now,
  })

  const ours = async (index: number) => {
    const found = await source.findHa1(REALM, `user${index % USERS}`, 'ha1')
    if (found.origin !== 'mirror' || !found.value?.ha1) throw new Error('a credential was not found')
  }
  const limit = async (index: number) => {
    const values = await bare.hmget(`sipauth:cred:${REALM}:user${index % USERS}`, 'sid', 'account', 'list', 'ha1')
    if (!values[3]) throw new Error('a credential was not found')
  }
  await until(() => invalidations.live && mirror.current)
  await ours(0)
  if (near.peekOffer(REALM) === undefined) throw new Error('nothing is held near')
  const serial = await sideBySide(
    () => serialP50(ours),
    () => serialP50(limit),
    ROUNDS,
  )
  const parallel = await sideBySide(
    () => parallelRate(ours),
    () => parallelRate(limit),
    ROUNDS,
  )
  invalidations.close()
  redis.disconnect()
  bare.disconnect()
  const limitIs = 'bare ioredis HMGET'
  return [
    { what: `Redis lookup, ${over}, serial p50`, limitIs, unit: 'µs', target: { atMost: 1.15 }, ...serial },
    { what: `Redis lookup, ${over}, ${AT_ONCE} at once`, limitIs, unit: '/s', target: { atLeast: 0.9 }, ...parallel },
  ]
}

function toRecord(username: string): MirrorRecord {
  const sids = { accountSid: `AC${'0'.repeat(32)}`, credentialListSid: `CL${'0'.repeat(32)}` }
  const ha1s = computeHa1s(username, REALM, 'Correct-Horse-42')
  const credential = {
    username,
    realm: REALM,
    ...sids,
    credentialSid: `CR${'0'.repeat(32)}`,
    version: '1',
    ha1s,
    active: true,
  }
  return { kind: 'credential', realm: REALM, username, version: '1', holds: credential }
}

async function serialP50(lookup: (index: number) => Promise<void>): Promise<number> {
  const times: number[] = []
  for (let index = 0; index < SERIAL; index++) {
    const start = process.hrtime.bigint()
    await lookup(index)
    times.push(Number(process.hrtime.bigint() - start) / 1000)
  }
  return quantile(times, 0.5)
}

async function parallelRate(lookup: (index: number) => Promise<void>): Promise<number> {
  const start = process.hrtime.bigint()
  for (let batch = 0; batch < BATCHES; batch++) {
    await Promise.all(Array.from({ length: AT_ONCE }, (_, index) => lookup(batch * AT_ONCE + index)))
  }
  return (BATCHES * AT_ONCE) / (Number(process.hrtime.bigint() - start) / 1e9)
}
