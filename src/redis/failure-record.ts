import type { FailureRecord } from '../auth/failure-record.js'
import type { RedisClient } from './client.js'
import { createScript } from './script.js'

/**
 * KEYS[1] a subject's record: `failures` (their times, separated by spaces), `bans` so far, `until` (end of the ban).
 * ARGV: now, failures that are too many, window, first ban, longest ban; all times in ms.
 */
const COUNT = createScript(`
local now, window, longest = tonumber(ARGV[1]), tonumber(ARGV[3]), tonumber(ARGV[5])
local kept = {}
for at in string.gmatch(redis.call('HGET', KEYS[1], 'failures') or '', '%d+') do
  if tonumber(at) > now - window then kept[#kept + 1] = at end
end
kept[#kept + 1] = ARGV[1]
local keep = window
if #kept >= tonumber(ARGV[2]) then
  local bans = tonumber(redis.call('HGET', KEYS[1], 'bans') or '0')
  local ban = math.min(tonumber(ARGV[4]) * 2 ^ math.min(bans, 30), longest)
  redis.call('HSET', KEYS[1], 'bans', bans + 1, 'until', string.format('%.0f', now + ban))
  kept = {}
end
redis.call('HSET', KEYS[1], 'failures', table.concat(kept, ' '))
local last = tonumber(redis.call('HGET', KEYS[1], 'until') or '0')
if last > 0 then keep = math.max(keep, last - now + longest) end
redis.call('PEXPIRE', KEYS[1], string.format('%.0f', keep))
return 1
`)

/** Failures in Redis, counted by all nodes together; each subject's record ends by itself. */
export function createRedisFailureRecord(deps: {
  readonly redis: RedisClient
  readonly now: () => number
}): FailureRecord {
  const { redis, now } = deps
  return {
    async readBan(subject) {
      return Number((await redis.hget(keyOf(subject), 'until')) ?? 0)
    },
    async countFailure(subject, { failures, windowMs, banMs, banMaxMs }) {
      await COUNT(redis, keyOf(subject), [now(), failures, windowMs, banMs, banMaxMs])
    },
  }
}

function keyOf(subject: string): string {
  return `sipauth:failures:${subject}`
}
