import { readHa1 } from '../credential.js'
import type { RedisClient } from '../redis/client.js'
import { createScript } from '../redis/script.js'
import { isMarkedComplete, readMarker } from './marker.js'
import type { Mirror, MirrorRecord, Truth } from './mirror.js'
import { DOMAIN_FIELDS, INACTIVE, parseDomain, parseOffer, REALM_FIELDS, toFields, toRedisKey } from './redis-record.js'

/** Commands sent at once; more would only wait in Redis and block others. */
const BATCH = 200

/** How long a deletion is remembered, so that an older change that comes late does not undo it. */
const TOMBSTONE_MS = 3_600_000

/** How soon a new connection's marker is looked at again while it is not complete. */
const TRUST_RETRY_MS = 250

/**
 * KEYS[1] a record; ARGV: its version, a newer version that may be overwritten all the same (or ''), ms to live (0 for
 * ever), fields and values. Answers the version held, where that is newer and stays. Versions outgrow a double, so they
 * are compared as digits; what is no hash, or has no version, is damage and holds nothing.
 */
const APPLY = createScript(`
local held = redis.call('TYPE', KEYS[1]).ok == 'hash' and redis.call('HGET', KEYS[1], 'v')
if held and held ~= ARGV[2] and string.match(held, '^[1-9]%d*$') then
  if #held > #ARGV[1] or (#held == #ARGV[1] and held > ARGV[1]) then return held end
end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'v', ARGV[1], unpack(ARGV, 4))
if ARGV[3] ~= '0' then redis.call('PEXPIRE', KEYS[1], ARGV[3]) end
return false
`)

async function applyRecord(redis: RedisClient, record: MirrorRecord, overwrite: string): Promise<string | undefined> {
  const fields = toFields(record)
  const args = [record.version, overwrite, fields ? 0 : TOMBSTONE_MS, ...Object.entries(fields ?? {}).flat()]
  return ((await APPLY(redis, toRedisKey(record), args)) as string | null) ?? undefined
}

/**
 * Writes one record. A newer version in Redis is a change that came after the row was read. If the row, read again, is
 * still older, Redis is wrong: nothing is mirrored before it is committed.
 */
export async function writeRecord(redis: RedisClient, truth: Truth | undefined, record: MirrorRecord): Promise<void> {
  const newer = await applyRecord(redis, record, '')
  if (newer === undefined || !truth) return
  const [now] = await truth.read([record])
  if (now && BigInt(now.version) < BigInt(newer)) await applyRecord(redis, now, newer)
}

/** Runs over items, so many at once; the first failure ends it. */
export async function inBatches<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  for (let start = 0; start < items.length; start += BATCH) {
    await Promise.all(items.slice(start, start + BATCH).map(work))
  }
}

/** The mirror in Redis, which all nodes and proxies share. */
export function createRedisMirror(redis: RedisClient): Mirror {
  let behind = false
  const trust = watchTrust(redis)
  return {
    shared: true,
    source: 'redis',
    near: undefined,
    get current() {
      return !behind && trust.given && redis.status === 'ready' && redis.answering
    },
    isComplete: () => isMarkedComplete(redis),
    async findHa1(realm, username, field) {
      const key = toRedisKey({ kind: 'credential', realm, username })
      // One round trip: both are sent at once.
      const [[sid, account, list, ha1, md5], active] = await Promise.all([
        redis.hmget(key, 'sid', 'account', 'list', field, 'ha1'),
        redis.hget(toRedisKey({ kind: 'realm', realm }), 'active'),
      ])
      const [isActive, hasHa1] = [active !== INACTIVE, readHa1('ha1', md5) !== undefined]
      const usable = isActive && hasHa1
      if (!sid || !account || !list) return undefined
      return {
        realm,
        username,
        credentialSid: sid,
        accountSid: account,
        credentialListSid: list,
        usable,
        ha1: usable ? readHa1(field, ha1) : undefined,
        doubtful: isActive && !hasHa1,
      }
    },
    async findRealm(realm) {
      return parseOffer(await redis.hmget(toRedisKey({ kind: 'realm', realm }), ...REALM_FIELDS))
    },
    async findDomain(domain) {
      return parseDomain(domain, await redis.hmget(toRedisKey({ kind: 'domain', domain }), ...DOMAIN_FIELDS))
    },
    apply: (records, truth) => inBatches(records, (record) => writeRecord(redis, truth, record)),
    setBehind(value) {
      behind = value
    },
  }
}

/**
 * A new connection may lead to a Redis that was restarted, restored or failed over, with passwords of yesterday: it is
 * trusted once its marker says that it is complete and of this run. An empty one has nothing wrong in it, nor has one
 * that is emptied later: what they lack, the marker tells whoever misses it.
 */
function watchTrust(redis: RedisClient): { readonly given: boolean } {
  let given = false
  let connection = 0

  async function look(mine: number): Promise<void> {
    const state = await readMarker(redis).catch(() => 'unknown')
    if (mine !== connection || redis.status === 'end') return
    if (state === 'complete' || state === 'missing') given = true
    else setTimeout(look, TRUST_RETRY_MS, mine).unref()
  }

  function begin(): void {
    given = false
    void look(++connection)
  }

  redis.on('ready', begin)
  // A cluster stays ready while one of its nodes comes and goes.
  redis.on('-node', begin)
  redis.on('close', () => {
    given = false
  })
  if (redis.status === 'ready') begin()
  return {
    get given() {
      return given
    },
  }
}
