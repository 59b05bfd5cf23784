import { createHash } from 'node:crypto'
import type { Cluster, Redis } from 'ioredis'
import {
  type AddressOfRecord,
  BINDINGS_MAX,
  type Binding,
  type Bindings,
  type BindingsChange,
  type BindingsOutcome,
} from '../sip/bindings.js'

/**
 * One REGISTER's change, applied whole or not at all (RFC 3261 section 10.3 steps 6 and 7).
 * KEYS: the address of record. ARGV: the time in ms, the most bindings, the change as JSON (its contacts with the time
 * at which each expires, or 0 to remove it). Replies with the outcome and, when done, with the bindings as JSON. The
 * key's TTL is its last binding's, so that Redis forgets what has expired.
 */
const UPDATE = `
local now, most, change = tonumber(ARGV[1]), tonumber(ARGV[2]), cjson.decode(ARGV[3])
local stored = redis.call('get', KEYS[1])
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
  redis.call('del', KEYS[1])
  return {'done', '[]'}
end
local text = cjson.encode(bindings)
redis.call('set', KEYS[1], text, 'px', last - now)
return {'done', text}
`

const UPDATE_SHA1 = createHash('sha1').update(UPDATE).digest('hex')

/** What the bindings in Redis are built on; `now` is in milliseconds. */
export type RedisBindingsDeps = { readonly redis: Redis | Cluster; readonly now: () => number }

/**
 * Bindings in Redis, shared by all nodes: one key for each address of record, changed by one script in one round trip
 * and alone in it, so that it runs on a cluster too.
 */
export function createRedisBindings({ redis, now }: RedisBindingsDeps): Bindings {
  const run = async (key: string, args: readonly string[]): Promise<unknown> => {
    try {
      return await redis.evalsha(UPDATE_SHA1, 1, key, ...args)
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error
      return redis.eval(UPDATE, 1, key, ...args)
    }
  }
  return {
    async update(address, change) {
      const time = now()
      const reply = await run(bindingsKey(address), [`${time}`, `${BINDINGS_MAX}`, changeText(change, time)])
      return readOutcome(reply)
    },
    async list(address) {
      const text = await redis.get(bindingsKey(address))
      const time = now()
      return text === null ? [] : readBindings(text).filter((binding) => binding.expiresAt > time)
    },
  }
}

/** `sipauth:bindings:<realm>:<username>`; neither part holds a colon. */
function bindingsKey({ realm, username }: AddressOfRecord): string {
  return `sipauth:bindings:${realm}:${username}`
}

/** The change as the script reads it. */
function changeText({ callId, cseq, contacts }: BindingsChange, time: number): string {
  if (contacts === '*') return JSON.stringify({ callId, cseq, contacts })
  const timed = contacts.map(({ expiresSeconds, ...contact }) => ({
    ...contact,
    expiresAt: expiresSeconds === 0 ? 0 : time + expiresSeconds * 1000,
  }))
  return JSON.stringify({ callId, cseq, contacts: timed })
}

function readOutcome(reply: unknown): BindingsOutcome {
  const [outcome, text] = Array.isArray(reply) ? reply : []
  if (outcome === 'out_of_order' || outcome === 'too_many') return { outcome }
  if (outcome === 'done' && typeof text === 'string') return { outcome, bindings: readBindings(text) }
  throw new Error('Redis answered an update of bindings with something else')
}

/** Only the script writes what is read here; anything else is a fault. */
function readBindings(text: string): readonly Binding[] {
  const bindings: unknown = JSON.parse(text)
  if (!Array.isArray(bindings) || !bindings.every(isBinding)) throw new Error('a key of bindings holds something else')
  return bindings
}

function isBinding(value: unknown): value is Binding {
  if (typeof value !== 'object' || value === null) return false
  const { uri, key, callId, cseq, expiresAt, q } = value as { [Field in keyof Binding]?: unknown }
  const texts = typeof uri === 'string' && typeof key === 'string' && typeof callId === 'string'
  return (
    texts && typeof cseq === 'number' && typeof expiresAt === 'number' && ['number', 'undefined'].includes(typeof q)
  )
}
