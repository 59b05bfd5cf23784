import { createHash, randomUUID } from 'node:crypto'
import { Cluster, type Redis } from 'ioredis'
import type { RedisClient } from '../redis/client.js'
import { readRunId } from '../redis/run-id.js'
import { createScript } from '../redis/script.js'

/**
 * The marker says that the mirror holds everything. A Redis that was flushed or replaced has none; one that was
 * restarted, restored or failed over has that of another run, and may have lost the last changes.
 */
export const MARKER = 'sipauth:mirror'
const LEASE = 'sipauth:mirror:builder'
const LEASE_MS = 10_000

/** What the marker says: `missing` and `other_run` both ask for a rebuild. */
export type MarkerState = 'complete' | 'building' | 'missing' | 'other_run'

/**
 * Whether the mirror has been complete for more than a second; the hot path asks before it refuses anybody. Only just
 * complete is not enough: what the asker missed may have been written after it looked.
 */
export async function isMarkedComplete(redis: RedisClient): Promise<boolean> {
  return (await IS_COMPLETE(redis, MARKER, [])) === 1
}

/** Reads the marker and compares the run of the server with the one that it was set in. */
export async function readMarker(redis: RedisClient): Promise<MarkerState> {
  const [[state, run], now] = await Promise.all([readFields(redis), readRun(redis)])
  if (!state) return 'missing'
  if (run !== now) return 'other_run'
  return state === 'complete' ? 'complete' : 'building'
}

/** What is no hash is no marker of ours. */
async function readFields(redis: RedisClient): Promise<readonly (string | null)[]> {
  try {
    return await redis.hmget(MARKER, 'state', 'run')
  } catch (error) {
    if (error instanceof Error && error.message.startsWith('WRONGTYPE')) return []
    throw error
  }
}

/** The server's run; that of a cluster is made of all its masters', so that one that lost its data is noticed. */
async function readRun(redis: RedisClient): Promise<string> {
  if (!(redis instanceof Cluster)) return readServerRun(redis)
  const runs = await Promise.all(redis.nodes('master').map(readServerRun))
  return createHash('sha1').update(runs.sort().join()).digest('hex')
}

/** A replica has no run of its own: it may lack its master's last changes, and takes none. */
async function readServerRun(redis: Redis): Promise<string> {
  const [run, replication] = await Promise.all([readRunId(redis), redis.info('replication')])
  return /^role:slave/m.test(replication) ? 'replica' : run
}

const IS_COMPLETE = createScript(`
local state, at = unpack(redis.call('HMGET', KEYS[1], 'state', 'at'))
if state ~= 'complete' then return 0 end
return tonumber(redis.call('TIME')[1]) - tonumber(at or '0') >= 2 and 1 or 0
`)

// Whatever lies there, a marker takes its place.
const BEGIN = createScript(`
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'state', 'building', 'builder', ARGV[1], 'run', ARGV[2])
return 1
`)
const LEAVE = createScript(`
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'state', 'left', 'run', '')
return 1
`)
const RENEW = createScript(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
`)
const RELEASE = createScript(`
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1
`)
const COMPLETE = createScript(`
if redis.call('HGET', KEYS[1], 'builder') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'state', 'complete', 'at', redis.call('TIME')[1])
return 1
`)

/**
 * Marks the mirror as left alone: whoever connects to it again rebuilds it, and trusts it with nothing before, as one of
 * another run.
 */
export async function markAsLeft(redis: RedisClient): Promise<void> {
  await LEAVE(redis, MARKER, [])
}

/** The right to rebuild, which one node has at a time. */
export type RebuildLease = {
  /** Marks the mirror as being built. */
  begin(): Promise<void>
  /** Keeps the right; false where it is lost. */
  renew(): Promise<boolean>
  /** Marks the mirror as complete; false where a flush or another rebuild came between. */
  complete(): Promise<boolean>
  release(): Promise<void>
}

/** Takes the right to rebuild; undefined while another node has it. */
export async function takeRebuildLease(redis: RedisClient): Promise<RebuildLease | undefined> {
  const builder = randomUUID()
  if ((await redis.set(LEASE, builder, 'PX', LEASE_MS, 'NX')) !== 'OK') return undefined
  return {
    async begin() {
      await BEGIN(redis, MARKER, [builder, await readRun(redis)])
    },
    renew: async () => (await RENEW(redis, LEASE, [builder, LEASE_MS])) === 1,
    complete: async () => (await COMPLETE(redis, MARKER, [builder])) === 1,
    async release() {
      await RELEASE(redis, LEASE, [builder])
    },
  }
}
