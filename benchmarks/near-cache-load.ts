import { pathToFileURL } from 'node:url'
import { createLog } from '../src/log.js'
import type { MirrorRecord } from '../src/mirror/mirror.js'
import { createNearCache } from '../src/mirror/near-cache.js'
import { createRedisMirror } from '../src/mirror/redis-mirror.js'
import { computeHa1s } from '../src/provision/ha1s.js'
import { connectRedis, type RedisClient } from '../src/redis/client.js'
import { createInvalidations } from '../src/redis/invalidations.js'
import { until } from '../test/fixtures/until.js'

const REALM = 'pbx.example.com'
const SLICE = 100
const LOG = createLog('error')

async function connect(url: string): Promise<RedisClient> {
  const redis = connectRedis(url, LOG)
  await until(() => redis.status === 'ready')
  return redis
}

/** Bytes that Redis says it uses. */
export async function readUsedMemory(url: string): Promise<number> {
  const redis = await connect(url)
  const used = Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1])
  redis.disconnect()
  return used
}

/** Writes credentials `user0`, `user1` and so on as the relay writes them, with all their HA1s. */
export async function fillRedis(url: string, users: number): Promise<void> {
  const redis = await connect(url)
  const mirror = createRedisMirror(redis)
  for (let from = 0; from < users; from += SLICE) {
    const slice = Array.from({ length: SLICE }, (_, index) => toRecord(from + index))
    await until(() => mirror.apply(slice).then(() => true))
  }
  redis.disconnect()
}

function toRecord(index: number): MirrorRecord {
  const key = { realm: REALM, username: `user${index}`, version: String(index + 1) }
  const digits = String(index).padStart(32, '0')
  const sids = {
    accountSid: `AC${'0'.repeat(32)}`,
    credentialListSid: `CL${'0'.repeat(32)}`,
    credentialSid: `CR${digits}`,
  }
  const ha1s = computeHa1s(key.username, REALM, `Correct-Horse-${index}`)
  return { kind: 'credential', ...key, holds: { ...key, ...sids, ha1s, active: true } }
}

/** Looks so many users up until all are near; their names are cut out of long texts, as those of messages are. */
export async function measureHeap(url: string, users: number): Promise<number> {
  const redis = await connect(url)
  const invalidations = createInvalidations({ redis, log: LOG, now: () => performance.now() })
  // Entries are kept in two generations: so many are certainly all held.
  const near = createNearCache({ invalidations, max: users * 3 })
  const mirror = createRedisMirror(redis, near)
  invalidations.start()
  await until(() => invalidations.live && mirror.current)
  const before = usedHeap()
  for (let from = 0; from < users; from += SLICE) {
    const lookUp = (_: unknown, index: number) => mirror.findHa1(REALM, nameIn(from + index), 'ha1')
    await until(async () => mirror.current && Promise.all(Array.from({ length: SLICE }, lookUp)))
  }
  if (near.size < users) throw new Error(`${near.size} of ${users} are held`)
  const bytes = (usedHeap() - before) / near.size
  invalidations.close()
  redis.disconnect()
  return bytes
}

function nameIn(index: number): string {
  const header = `Digest username="user${index}", realm="${REALM}", ${'x'.repeat(600)}${index}`
  return /username="([^"]+)"/.exec(header)?.[1] ?? ''
}

function usedHeap(): number {
  globalThis.gc?.()
  return process.memoryUsage().heapUsed
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [, , url = '', users = ''] = process.argv
  process.stdout.write(String(await measureHeap(url, Number(users))))
  process.exit(0)
}
