import { createHash } from 'node:crypto'
import type { RedisClient } from './client.js'

/** A Lua script on one key, so that it runs in a cluster too; called by its digest, sent whole when that is unknown. */
export type Script = (redis: RedisClient, key: string, args: readonly (string | number)[]) => Promise<unknown>

export function createScript(lua: string): Script {
  const digest = createHash('sha1').update(lua).digest('hex')
  return async (redis, key, args) => {
    try {
      return await redis.evalsha(digest, 1, key, ...args)
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error
      return redis.eval(lua, 1, key, ...args)
    }
  }
}
