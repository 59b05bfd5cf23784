import type { Redis } from 'ioredis'

/** Names one run of a Redis server: another one after each restart. Rejects when the server does not answer. */
export async function readRunId(server: Redis): Promise<string> {
  return /^run_id:(\w+)/m.exec(await server.info('server'))?.[1] ?? 'unknown'
}
