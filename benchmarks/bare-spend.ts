import { createHash } from 'node:crypto'
import { Redis } from 'ioredis'

/**
 * The least that any program does that counts nonces for several nodes: one script call by bare ioredis that raises a
 * count, and stores a text beside it where there is one.
 */
export type BareSpend = (text?: string) => Promise<unknown>

const RAISE = `
local last = redis.call('GET', KEYS[1])
if last and tonumber(ARGV[1]) <= tonumber(last) then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', 60000)
if KEYS[2] then redis.call('SET', KEYS[2], ARGV[2], 'PX', 60000) end
return 1
`
const DIGEST = createHash('sha1').update(RAISE).digest('hex')
/** As many phones as the loads have. */
const KEYS = 64

/** Connects to the Redis of that URL; without one nothing is spent. */
export async function openBareSpend(url: string | undefined): Promise<BareSpend> {
  if (!url) return () => Promise.resolve()
  const redis = url.startsWith('unix://') ? new Redis(new URL(url).pathname) : new Redis(url)
  await redis.script('LOAD', RAISE)
  let count = 0
  return async (text) => {
    const key = `bare:${count % KEYS}`
    const keys = text === undefined ? [key] : [key, `${key}:text`]
    const spent = await redis.evalsha(DIGEST, keys.length, ...keys, count++, ...(text === undefined ? [] : [text]))
    if (spent !== 1) throw new Error('a count was old')
  }
}
