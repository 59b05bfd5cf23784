import { createHash } from 'node:crypto'
import type { Cluster, Redis } from 'ioredis'

/** Any client that scripts are run with. */
export type ScriptRunner = Redis | Cluster

/**
 * A Lua script, called by its digest and sent whole where that is unknown. On one key it runs in a cluster too; several
 * keys must lie on one server.
 */
export type Script = (
  redis: ScriptRunner,
  keys: string | readonly string[],
  args: readonly (string | number)[],
) => Promise<unknown>

export function createScript(lua: string): Script {
  const digest = createHash('sha1').update(lua).digest('hex')
  return async (redis, keys, args) => {
    const all = typeof keys === 'string' ? [keys] : keys
    try {
      return await redis.evalsha(digest, all.length, ...all, ...args)
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error
      return redis.eval(lua, all.length, ...all, ...args)
    }
  }
}
