import { type Ban, type FailureRecord, KINDS, type Rule } from '../auth/failure-record.js'
import type { RedisClient } from './client.js'
import type { NearBans } from './near-bans.js'
import { createScript } from './script.js'

/**
 * KEYS[1] a subject's failures: for each kind their times, separated by spaces; `bans` so far, `until` (end of the last
 * one). KEYS[2] its ban, there for as long as that runs: end, kind and number, separated by spaces.
 * ARGV: now, first ban, longest ban; then for each limit: kind, failures that are too many, window, 1 where they last.
 * All times in ms. Answers how many more may fail, and the ban where one begins. A ban runs while its key is there and
 * its end lies ahead: one that a node with a fast clock wrote has ended for all when its key has.
 */
const COUNT = createScript(`
local function whole(number) return string.format('%.0f', number) end
local now, longest = tonumber(ARGV[1]), tonumber(ARGV[3])
local held = redis.call('HMGET', KEYS[1], 'bans', 'until')
local bans, last = tonumber(held[1] or '0'), tonumber(held[2] or '0')
if last + longest <= now then bans = 0 end
local running = last > now and redis.call('EXISTS', KEYS[2]) == 1
local at = running and last or now
local keep, kind, counted = 0, nil, {}
for n = 4, #ARGV, 4 do
  local most, window = tonumber(ARGV[n + 1]), tonumber(ARGV[n + 2])
  local times = {}
  for time in string.gmatch(redis.call('HGET', KEYS[1], ARGV[n]) or '', '%d+') do
    if tonumber(time) > at - window then times[#times + 1] = tonumber(time) end
  end
  times[#times + 1] = at
  if #times > most then table.remove(times, 1) end
  if #times >= most and not running and not kind then kind = ARGV[n] end
  counted[n] = times
  keep = math.max(keep, window)
end
local ban = 0
if kind then
  ban = math.min(tonumber(ARGV[2]) * 2 ^ math.min(bans, 30), longest)
  bans = bans + 1
  last = now + ban
  redis.call('HSET', KEYS[1], 'bans', bans, 'until', whole(last))
  redis.call('SET', KEYS[2], whole(last) .. ' ' .. kind .. ' ' .. bans, 'PX', whole(ban))
end
local left = math.huge
for n, times in pairs(counted) do
  if kind and ARGV[n + 3] ~= '1' then times = {} end
  left = math.min(left, tonumber(ARGV[n + 1]) - #times)
  for index, time in ipairs(times) do times[index] = whole(time + ban) end
  redis.call('HSET', KEYS[1], ARGV[n], table.concat(times, ' '))
end
if bans > 0 then keep = math.max(keep, longest) end
redis.call('PEXPIRE', KEYS[1], whole(math.max(0, last - now) + keep))
return { math.max(1, left), kind and redis.call('GET', KEYS[2]) or false }
`)

/**
 * Failures in Redis, counted by all nodes together; each subject's records end by themselves. Bans are known at once
 * where they are held near.
 */
export function createRedisFailureRecord(deps: {
  readonly redis: RedisClient
  readonly near?: NearBans | undefined
  readonly now: () => number
}): FailureRecord {
  const { redis, near, now } = deps
  return {
    get isWithoutBans() {
      return near?.isEmpty === true
    },
    peekBan: (subject) => near?.peek(subject),
    readBan: async (subject) => parseBan(await redis.get(banKey(subject))),
    async countFailure(subject, rule) {
      const keys = [failuresKey(subject), banKey(subject)]
      const [left, text] = (await COUNT(redis, keys, [now(), ...toArguments(rule)])) as [number, string | null]
      const ban = parseBan(text)
      // Here it is in force at once; the other nodes hear of it from Redis.
      if (ban) near?.put(subject, ban)
      return { ban, left }
    },
  }
}

function toArguments({ limits, banMs, banMaxMs }: Rule): readonly (string | number)[] {
  const rows = limits.map(({ kind, failures, windowMs, lasting }) => [kind, failures, windowMs, lasting ? 1 : 0])
  return [banMs, banMaxMs, ...rows.flat()]
}

/** What a ban's key holds; undefined where that is no ban. */
export function parseBan(text: string | null): Ban | undefined {
  const [until, name, count] = text?.split(' ') ?? []
  const kind = KINDS.find((each) => each === name)
  return kind && { kind, untilMs: Number(until), count: Number(count) }
}

/** What the keys of all bans begin with. */
export const BAN_PREFIX = 'sipauth:ban:'

/** No subject holds a brace: user names and realms have none. So both keys of one subject share a slot of a cluster. */
export function banKey(subject: string): string {
  return `${BAN_PREFIX}{${subject}}`
}

export function failuresKey(subject: string): string {
  return `sipauth:failures:{${subject}}`
}
