import type { CredentialIdentity, Ha1Field } from '../credential.js'
import type { Log } from '../log.js'
import type { Metrics } from '../metrics.js'
import type { RealmOffer } from '../realm-offer.js'
import type { SipDomain } from '../sip-domain.js'
import { createDatabaseQuestions } from './database-questions.js'

/**
 * A credential with the one HA1 that a check needs. `usable` is false where it may not authenticate; `ha1` is undefined
 * then, and where it was imported without that HA1.
 */
export type Ha1Record = CredentialIdentity & {
  readonly usable: boolean
  readonly ha1: string | undefined
  /**
   * A mirror says so where the account is active and the credential is not usable all the same: it is disabled itself,
   * or its account was reactivated and its own record has not followed yet.
   */
  readonly doubtful?: boolean
}

/** What the hot path reads, in the mirror or in the database. Rejects when the store cannot answer in time. */
export type CredentialReader = {
  findHa1(realm: string, username: string, field: Ha1Field): Promise<Ha1Record | undefined>
  /** What the realm has of its own to offer. */
  findRealm(realm: string): Promise<RealmOffer | undefined>
  /** The SIP domain of that host name, in lower case. */
  findDomain(name: string): Promise<SipDomain | undefined>
}

/** What is known at once, without asking a store: `null` says that there is none, undefined that nothing is known. */
export type Known<T> = T | null | undefined

/**
 * What this process holds in its own memory, for as long as it would hear of a change. It may only let somebody in:
 * before anybody is refused, a store is asked. It may be asked for whatever a stranger wrote, and holds only what can be
 * a name: nothing else is found in it.
 */
export type NearReader = {
  peekHa1(realm: string, username: string, field: Ha1Field): Known<Ha1Record>
  peekRealm(realm: string): Known<RealmOffer>
  peekDomain(name: string): Known<SipDomain>
}

/** The mirror as the hot path sees it. */
export type MirrorReader = CredentialReader & {
  /** Undefined where nothing is held near. */
  readonly near: NearReader | undefined
  /** Label of the metrics: where its answers come from. */
  readonly source: 'near' | 'redis'
  /** False while it is away, or known to lack changes: then the database is asked first. */
  readonly current: boolean
  /** Whether the mirror itself says that it holds every credential. Rejects when it cannot answer. */
  isComplete(): Promise<boolean>
}

/** Where an answer came from; only `database` is the truth. */
export type Origin = 'mirror' | 'database'

export type Lookup<T> = { readonly origin: Origin; readonly value: T } | { readonly origin: 'unavailable' }

/** Finds credentials: in the mirror, and in the database where the mirror cannot tell. Never rejects. */
export type CredentialSource = {
  /** Knows nothing while the mirror is not current. */
  readonly near: NearReader
  findHa1(realm: string, username: string, field: Ha1Field): Promise<Lookup<Ha1Record | undefined>>
  /** What is near counts here too: it refuses nobody. */
  findRealm(realm: string): Promise<Lookup<RealmOffer | undefined>>
  findDomain(name: string): Promise<Lookup<SipDomain | undefined>>
  /** Whether the mirror's word counts when it would refuse somebody: whether it holds every credential. */
  isMirrorComplete(): Promise<boolean>
  /** These ask the database alone. */
  findHa1InDatabase(realm: string, username: string, field: Ha1Field): Promise<Lookup<Ha1Record | undefined>>
  findDomainInDatabase(name: string): Promise<Lookup<SipDomain | undefined>>
}

/**
 * Questions that may be out where a doubt of the mirror is still resolved; beyond, its word counts. Whoever floods a
 * disabled user leaves the other half to those whom the mirror cannot answer at all.
 */
const DOUBTS_MAX = 50

/** Of so many look-ups among what is near one is timed. */
const NEAR_TIMED = 16

const UNAVAILABLE = { origin: 'unavailable' } as const

export function createCredentialSource(deps: {
  readonly mirror: MirrorReader
  readonly database: CredentialReader
  readonly metrics: Metrics
  readonly log: Log
  readonly now: () => number
}): CredentialSource {
  const { mirror, database, metrics, log } = deps
  const questions = createDatabaseQuestions(deps)
  // Reading the clock twice takes as long as the look-up.
  const nearTimings = metrics.lookupSeconds.series({ source: 'near' }).sample(NEAR_TIMED)
  const timings = {
    mirror: metrics.lookupSeconds.series({ source: mirror.source }),
    database: metrics.lookupSeconds.series({ source: 'postgres' }),
  }

  /** Asks a store; `fail` is what comes of one that does not answer. Few promises: each costs as much as a digest. */
  function askOr<T, Other>(
    origin: Origin,
    question: () => Promise<T>,
    fail: () => Other | Promise<Other>,
  ): Promise<{ readonly origin: Origin; readonly value: T } | Other> {
    const startMs = performance.now()
    return question().then(
      (value) => {
        timings[origin].observeSince(startMs)
        return { origin, value }
      },
      (error: unknown) => {
        log.debug({ err: error, origin }, 'a store did not answer a lookup')
        return fail()
      },
    )
  }

  function ask<T>(origin: Origin, question: () => Promise<T>): Promise<Lookup<T>> {
    return askOr(origin, question, () => UNAVAILABLE)
  }

  function askDatabase<T>(question: () => Promise<T>, room?: number): Promise<Lookup<T>> {
    return ask('database', () => questions.ask(question, room))
  }

  function askMirrorFirst<T>(fromMirror: () => Promise<T>, fromDatabase: () => Promise<T>): Promise<Lookup<T>> {
    if (mirror.current) return askOr('mirror', fromMirror, () => askDatabase(fromDatabase))
    // A mirror that lacks a change is better than none: a right password is let in, a wrong one is confirmed first.
    return askOr(
      'database',
      () => questions.ask(fromDatabase),
      () => ask('mirror', fromMirror),
    )
  }

  /** Most realms and hosts have no record, so whether the mirror can tell is asked in the same round trip. */
  async function findOrConfirm<T>(
    fromMirror: () => Promise<T | undefined>,
    fromDatabase: () => Promise<T | undefined>,
  ): Promise<Lookup<T | undefined>> {
    const answer = await askMirrorFirst(
      async () => {
        const [value, complete] = await Promise.all([fromMirror(), mirror.isComplete()])
        return { value, complete }
      },
      async () => ({ value: await fromDatabase(), complete: true }),
    )
    if (answer.origin === 'unavailable') return answer
    const { value, complete } = answer.value
    return value !== undefined || complete ? { origin: answer.origin, value } : askDatabase(fromDatabase)
  }

  async function isMirrorComplete(): Promise<boolean> {
    const answer = mirror.current ? await ask('mirror', () => mirror.isComplete()) : undefined
    return answer?.origin === 'mirror' && answer.value
  }

  return {
    near: {
      peekHa1(realm, username, field) {
        if (!mirror.current) return undefined
        const begun = nearTimings.begin()
        const known = mirror.near?.peekHa1(realm, username, field)
        if (known) nearTimings.end(begun)
        return known
      },
      peekRealm: (realm) => (mirror.current ? mirror.near?.peekRealm(realm) : undefined),
      peekDomain: (name) => (mirror.current ? mirror.near?.peekDomain(name) : undefined),
    },

    async findHa1(realm, username, field) {
      const inDatabase = () => database.findHa1(realm, username, field)
      const found = await askMirrorFirst(() => mirror.findHa1(realm, username, field), inDatabase)
      if (found.origin !== 'mirror' || !found.value?.doubtful) return found
      const truth = await askDatabase(inDatabase, DOUBTS_MAX)
      return truth.origin === 'unavailable' ? found : truth
    },

    async findRealm(realm) {
      const known = mirror.current ? mirror.near?.peekRealm(realm) : undefined
      if (known !== undefined) return { origin: 'mirror', value: known ?? undefined }
      return findOrConfirm(
        () => mirror.findRealm(realm),
        () => database.findRealm(realm),
      )
    },

    findDomain: (name) =>
      findOrConfirm(
        () => mirror.findDomain(name),
        () => database.findDomain(name),
      ),

    isMirrorComplete,

    findHa1InDatabase: (...key) => askDatabase(() => database.findHa1(...key)),

    findDomainInDatabase: (name) => askDatabase(() => database.findDomain(name)),
  }
}
