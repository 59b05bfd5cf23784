import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createLog } from '../src/log.js'
import type { MirrorRecord } from '../src/mirror/mirror.js'
import { createNearCache } from '../src/mirror/near-cache.js'
import { createRedisMirror } from '../src/mirror/redis-mirror.js'
import { computeHa1s } from '../src/provision/ha1s.js'
import { connectRedis } from '../src/redis/client.js'
import { createInvalidations } from '../src/redis/invalidations.js'
import { createSid } from '../src/sid.js'
import { startRedis } from '../test/fixtures/redis.js'
import { until } from '../test/fixtures/until.js'
import type { Row } from './report.js'

const REALM = 'pbx.example.com'
const CREDENTIALS = 50_000
const BATCH = 200

/** What a credential takes in Redis, with every HA1, and what an entry of the near cache takes, one HA1 read. */
export async function benchmarkMemory(): Promise<Row[]> {
  const server = await startRedis(undefined)
  const redis = connectRedis(server.url, createLog('error'))
  const invalidations = createInvalidations({ redis, log: createLog('error'), now: () => performance.now() })
  const near = createNearCache({ invalidations, max: 2 * CREDENTIALS })
  const mirror = createRedisMirror(redis, near)
  invalidations.start()
  await until(async () => mirror.current && near.live)

  const redisBefore = await usedByRedis(server.cli)
  for (let first = 0; first < CREDENTIALS; first += BATCH) {
    await mirror.apply(Array.from({ length: BATCH }, (_, index) => toRecord(`user${first + index}`)))
  }
  const redisBytes = ((await usedByRedis(server.cli)) - redisBefore) / CREDENTIALS

  const heldBefore = near.size
  const heapBefore = usedByHeap()
  for (let first = 0; first < CREDENTIALS; first += BATCH) {
    const names = Array.from({ length: BATCH }, (_, index) => `user${first + index}`)
    await Promise.all(names.map((name) => mirror.findHa1(REALM, name, 'ha1')))
  }
  const held = near.size - heldBefore
  // Where the machine stands still nothing is heard for a moment, and what is read then is not kept.
  if (held < CREDENTIALS / 2) throw new Error(`only ${held} of ${CREDENTIALS} are held near`)
  const nearBytes = (usedByHeap() - heapBefore) / held
  invalidations.close()
  redis.disconnect()
  await server.stop()
  return [
    toRow('near cache, an entry', 'a kilobyte', nearBytes, 1_024),
    toRow('Redis, a credential with six HA1s', '900 bytes', redisBytes, 900),
  ]
}

function toRow(what: string, limitIs: string, ours: number, limit: number): Row {
  return { what, unit: 'bytes', ours, limitIs, limit, target: { atMost: 1 } }
}

function toRecord(username: string): MirrorRecord {
  const sids = {
    ...{ accountSid: createSid('account'), credentialListSid: createSid('credentialList') },
    credentialSid: createSid('credential'),
  }
  const ha1s = computeHa1s(username, REALM, 'Correct-Horse-42')
  const credential = { username, realm: REALM, ...sids, version: '1', ha1s, active: true }
  return { kind: 'credential', realm: REALM, username, version: '1', holds: credential }
}

async function usedByRedis(cli: (...command: string[]) => Promise<string>): Promise<number> {
  return Number(/used_memory:(\d+)/.exec(await cli('info', 'memory'))?.[1])
}

/** Bytes that are still in use after a full collection of garbage, buffers outside of the heap included. */
function usedByHeap(): number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
