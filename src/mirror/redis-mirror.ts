import type { Ha1Record } from '../auth/credential-source.js'
import type { Ha1Field } from '../credential.js'
import type { RealmOffer } from '../realm-offer.js'
import type { RedisClient } from '../redis/client.js'
import { createHashReader, type FieldValues, type HashReader } from '../redis/hash-reader.js'
import type { Ticket } from '../redis/near-keeper.js'
import { receiveDecoy } from './decoy-hash.js'
import { type HeldCredential, heldFields, parseHeld, toHa1Record } from './held-credential.js'
import { isMarkedComplete } from './marker.js'
import type { Mirror } from './mirror.js'
import type { NearCache, NearRecord } from './near-cache.js'
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
import { writeRecords } from './write-record.js'

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

  const readers = { realm: createHashReader(redis, REALM_FIELDS), domain: createHashReader(redis, DOMAIN_FIELDS) }
  const credentialReaders = new Map<Ha1Field, HashReader>()

  function credentialReader(field: Ha1Field): HashReader {
    const reader = credentialReaders.get(field) ?? createHashReader(redis, heldFields(field))
    credentialReaders.set(field, reader)
    return reader
  }

  /** Nothing is held of a mirror that may be of yesterday. */
  const begin = (key: string) => (isCurrent() ? near?.begin(key) : undefined)

  /** Asks for one hash; `take` is told where it is held near unless a change overtakes the answer. */
  function ask<Answer>(
    key: string,
    read: HashReader,
    take: (values: FieldValues, ticket: Ticket<NearRecord>) => Answer | Promise<Answer>,
  ): Promise<Answer> {
    const ticket = begin(key)
    return read(key).then((values) => take(values, ticket))
  }

  function askRealm(realm: string): Promise<RealmOffer | null> {
    return ask(realmKey(realm), readers.realm, (values, ticket) => {
      const offer = parseOffer(values)
      near?.keepOffer(ticket, offer)
      return offer
    })
  }

  /** One round trip in any case: the realm is asked at the same time, where it is not near. */
  function findHa1(realm: string, username: string, field: Ha1Field): Promise<Ha1Record | undefined> {
    const known = near?.peekOffer(realm)
    const asked = known === undefined ? askRealm(realm) : undefined
    const toRecord = (held: HeldCredential | null, offer: RealmOffer | null | undefined) =>
      held === null ? undefined : toHa1Record(held, { realm, username, field, isActive: offer?.active !== false })
    const credential = ask(credentialKey(realm, username), credentialReader(field), (values, ticket) => {
      const held = parseHeld(field, values)
      // Reading one that is there takes longer: the time shall not tell who exists.
      if (held === null) parseHeld(field, receiveDecoy(field))
      near?.keepCredential(ticket, held)
      return asked ? asked.then((offer) => toRecord(held, offer)) : toRecord(held, known)
    })
    return asked ? Promise.all([credential, asked]).then(([record]) => record) : credential
  }

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
    findHa1,
    findRealm: async (realm) => (await askRealm(realm)) ?? undefined,
    findDomain: (domain) =>
      ask(domainKey(domain), readers.domain, (values, ticket) => {
        const found = parseDomain(domain, values)
        near?.keepDomain(ticket, found)
        return found ?? undefined
      }),
    async apply(records, truth) {
      try {
        await writeRecords(redis, truth, records)
      } finally {
        if (near) for (const record of records) near.forget(toRedisKey(record))
      }
    },
    forget(keys) {
      for (const key of keys) near?.forget(toRedisKey(key))
    },
    setBehind(value) {
      // What was read while it lacked changes is not what it holds when it has them.
      if (behind !== value) near?.forgetAll()
      behind = value
    },
  }
}
