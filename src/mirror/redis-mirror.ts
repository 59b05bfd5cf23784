import type { RedisClient } from '../redis/client.js'
import type { Near, Ticket } from '../redis/near-keeper.js'
import { heldFields, parseHeld, toHa1Record } from './held-credential.js'
import { isMarkedComplete } from './marker.js'
import type { Mirror } from './mirror.js'
import type { NearCache } from './near-cache.js'
import {
  credentialKey,
  DOMAIN_FIELDS,
  domainKey,
  parseDomain,
  parseOffer,
  REALM_FIELDS,
  realmKey,
  toRedisKey,
} from './redis-record.js'
import { watchTrust } from './trust.js'
import { inBatches, writeRecord } from './write-record.js'

/** How soon it is asked again whether the mirror is complete, for what is held near. */
const COMPLETE_RETRY_MS = 1_000

/**
 * The mirror in Redis, which all nodes and proxies share. What it finds it holds near, where there is such a cache, and
 * what it writes it drops from there before `apply` resolves.
 */
export function createRedisMirror(redis: RedisClient, near?: NearCache): Mirror {
  let behind = false
  const trust = watchTrust(redis)
  const isCurrent = () => !behind && trust.given && redis.status === 'ready' && redis.answering

  /** Nothing is held of a mirror that may be of yesterday. */
  const begin = (key: string) => (isCurrent() ? near?.begin(key) : undefined)

  /** Asks for one hash, and keeps what it is unless a change overtook the answer. */
  function ask<Held>(
    key: string,
    fields: readonly string[],
    parse: (values: readonly (string | null)[]) => Held | null,
    keep: ((ticket: Ticket, held: Near<Held>) => void) | undefined,
  ): Promise<Held | null> {
    const ticket = begin(key)
    return redis.hmget(key, ...fields).then(
      (values) => {
        const held = parse(values)
        keep?.(ticket, held)
        return held
      },
      (error) => {
        keep?.(ticket, undefined)
        throw error
      },
    )
  }

  const askRealm = (realm: string) => ask(realmKey(realm), REALM_FIELDS, parseOffer, near?.keepOffer)

  async function isComplete(): Promise<boolean> {
    const ask = () => isMarkedComplete(redis)
    return near ? near.readComplete(ask) : ask()
  }
  if (near) keepAsking(near)

  /** Whether there is nothing is known near only while it is known that the mirror is complete. */
  function keepAsking(near: NearCache): void {
    const timer = setInterval(() => {
      if (redis.status === 'end') clearInterval(timer)
      // Whoever is to be refused asks for himself; this one has nobody to tell.
      else if (isCurrent() && near.live && !near.complete) isComplete().catch(() => undefined)
    }, COMPLETE_RETRY_MS).unref()
  }

  return {
    shared: true,
    source: 'redis',
    near: near?.reader,
    get current() {
      return isCurrent()
    },
    isComplete,
    async findHa1(realm, username, field) {
      const known = near?.peekOffer(realm)
      const parse = (values: readonly (string | null)[]) => parseHeld(field, values)
      // One round trip in any case: both are sent at once.
      const credential = ask(credentialKey(realm, username), heldFields(field), parse, near?.keepCredential)
      const [held, offer] =
        known === undefined ? await Promise.all([credential, askRealm(realm)]) : [await credential, known]
      return held === null
        ? undefined
        : toHa1Record(held, { realm, username, field, isActive: offer?.active !== false })
    },
    findRealm: async (realm) => (await askRealm(realm)) ?? undefined,
    async findDomain(domain) {
      const parse = (values: readonly (string | null)[]) => parseDomain(domain, values)
      return (await ask(domainKey(domain), DOMAIN_FIELDS, parse, near?.keepDomain)) ?? undefined
    },
    apply: (records, truth) =>
      inBatches(records, async (record) => {
        try {
          await writeRecord(redis, truth, record)
        } finally {
          near?.forget(toRedisKey(record))
        }
      }),
    setBehind(value) {
      // What was read while it lacked changes is not what it holds when it has them.
      if (behind !== value) near?.forgetAll()
      behind = value
    },
  }
}
