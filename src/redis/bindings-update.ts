import { BINDINGS_MAX } from '../sip/bindings.js'
import { type Batched, createBatch } from './batch.js'
import { createScript, type ScriptRunner } from './script.js'

/** One address of record's key and its change as JSON: contacts with the time at which each expires, 0 to remove it. */
export type BindingsUpdate = { readonly key: string; readonly change: string }

/** `done` with the bindings as JSON; `fault` with why Redis did not make the change:
 * it is out of memory or read-only, or the key holds something else. */
export type BindingsAnswer =
  | { readonly outcome: 'done' | 'fault'; readonly text: string }
  | { readonly outcome: 'out_of_order' | 'too_many' }

/**
 * Changes, each applied whole or not at all (RFC 3261 section 10.3 steps 6 and 7) and alone: what is wrong with one key
 * is no fault of the others. KEYS: addresses of record. ARGV: the time in ms, the most bindings, the changes. For each
 * the outcome and, when done, the bindings as JSON. The key's TTL is its last binding's, so that Redis forgets what has
 * expired.
 */
const UPDATE = createScript(`
local now, most = tonumber(ARGV[1]), tonumber(ARGV[2])
local function update(key, text)
  local change = cjson.decode(text)
  local stored = redis.call('get', key)
  local before, order = {}, {}
  for _, binding in ipairs(stored and cjson.decode(stored) or {}) do
    if binding.expiresAt > now then
      before[binding.key] = binding
      order[#order + 1] = binding.key
    end
  end
  local function late(binding)
    return binding and binding.callId == change.callId and change.cseq <= binding.cseq
  end
  local after = {}
  if change.contacts == '*' then
    for _, binding in pairs(before) do
      if late(binding) then return {'out_of_order'} end
    end
  else
    for key, binding in pairs(before) do after[key] = binding end
    for _, contact in ipairs(change.contacts) do
      if late(before[contact.key]) then return {'out_of_order'} end
      if contact.expiresAt == 0 then
        after[contact.key] = nil
      else
        if not before[contact.key] then order[#order + 1] = contact.key end
        contact.callId, contact.cseq = change.callId, change.cseq
        after[contact.key] = contact
      end
    end
  end
  local bindings, last, listed = {}, now, {}
  for _, key in ipairs(order) do
    if after[key] and not listed[key] then
      listed[key] = true
      bindings[#bindings + 1] = after[key]
      last = math.max(last, after[key].expiresAt)
    end
  end
  if #bindings > most then return {'too_many'} end
  if #bindings == 0 then
    redis.call('del', key)
    return {'done', '[]'}
  end
  local text = cjson.encode(bindings)
  redis.call('set', key, text, 'px', last - now)
  return {'done', text}
end
local answers = {}
for i, key in ipairs(KEYS) do
  local right, answer = pcall(update, key, ARGV[i + 2])
  answers[i] = right and answer or {'fault', type(answer) == 'table' and answer.err or tostring(answer)}
end
return answers
`)

/** Changes of one call: they keep Redis from others for about half a millisecond. */
const UPDATES_MAX = 32

/** Applies changes in Redis, all of one turn of the event loop in one round trip; in a cluster each by itself. */
export function createBindingsUpdates(deps: {
  readonly redis: ScriptRunner
  readonly now: () => number
}): Batched<BindingsUpdate, BindingsAnswer> {
  const { redis, now } = deps

  async function ask(updates: readonly BindingsUpdate[]): Promise<readonly BindingsAnswer[]> {
    const keys = updates.map(({ key }) => key)
    const answers = await UPDATE(redis, keys, [now(), BINDINGS_MAX, ...updates.map(({ change }) => change)])
    if (!Array.isArray(answers)) throw new Error('Redis answered an update of bindings with something else')
    return answers.map(readAnswer)
  }
  return createBatch({ ask, most: redis.isCluster ? 1 : UPDATES_MAX })
}

function readAnswer(answer: unknown): BindingsAnswer {
  const [outcome, text] = Array.isArray(answer) ? answer : []
  if (outcome === 'out_of_order' || outcome === 'too_many') return { outcome }
  if ((outcome === 'done' || outcome === 'fault') && typeof text === 'string') return { outcome, text }
  throw new Error('Redis answered an update of bindings with something else')
}
