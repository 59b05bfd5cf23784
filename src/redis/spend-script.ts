import { createScript } from './script.js'

/** What the script answers for a use; whatever else it is, the count was old. */
export const NEW = 1
export const NEW_AND_STORED = 2

/**
 * Spends nonce counts, and stores what goes with those that were new. All counts are spent before anything is stored,
 * so that a call that fails on one of them has stored nothing.
 *
 * KEYS: the records of nonces, then the keys of companions. ARGV: how many records; for each its nonce count, the ms
 * until it ends and the number of its companion, 0 for none; for each companion the expected text, the new one and its
 * ms. For each record 0 where the count was old, 1 where it was new, 2 where its companion was stored too; one after
 * the other, so that of one count that stands twice the first is new.
 */
export const SPEND = createScript(`
local uses = tonumber(ARGV[1])
local spent = {}
for i = 1, uses do
  local count = ARGV[3 * i - 1]
  local last = redis.call('GET', KEYS[i])
  if last and tonumber(count) <= tonumber(last) then
    spent[i] = 0
  else
    redis.call('SET', KEYS[i], count, 'PX', ARGV[3 * i])
    spent[i] = 1
  end
end
if #KEYS == uses then return spent end
for i = 1, uses do
  local companion = tonumber(ARGV[3 * i + 1])
  if spent[i] == 1 and companion > 0 then
    local key, at = KEYS[uses + companion], 3 * (uses + companion)
    if redis.pcall('GET', key) == ARGV[at - 1] then
      if ARGV[at + 1] == '0' then
        redis.call('DEL', key)
      else
        redis.call('SET', key, ARGV[at], 'PX', ARGV[at + 1])
      end
      spent[i] = 2
    end
  end
end
return spent
`)
