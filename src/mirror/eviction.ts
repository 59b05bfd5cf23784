import { Cluster, type Redis } from 'ioredis'
import type { RedisClient } from '../redis/client.js'

/**
 * The policy by which Redis may drop records when its memory is full; undefined where it never does. A credential that
 * was dropped is a user that does not exist, and a nonce count that was dropped can be used again.
 */
export async function readEviction(redis: RedisClient): Promise<string | undefined> {
  const nodes = redis instanceof Cluster ? redis.nodes('master') : [redis]
  const policies = await Promise.all(nodes.map(readPolicy))
  return policies.find((policy) => policy !== undefined)
}

async function readPolicy(redis: Redis): Promise<string | undefined> {
  const memory = await redis.info('memory')
  const policy = /^maxmemory_policy:(\S+)/m.exec(memory)?.[1]
  const isBounded = !/^maxmemory:0\s*$/m.test(memory)
  return isBounded && policy !== 'noeviction' ? policy : undefined
}
