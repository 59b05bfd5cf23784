import type { CredentialIdentity, Ha1Field } from '../credential.js'
import type { HashAlgorithm } from '../digest/algorithm.js'
import type { Log } from '../log.js'
import type { Metrics } from '../metrics.js'

/** A credential with the one HA1 that a check needs; `ha1` is undefined where it may not authenticate. */
export type Ha1Record = CredentialIdentity & { readonly ha1: string | undefined }

/** What the hot path reads, in the mirror or in the database. Rejects when the store cannot answer in time. */
export type CredentialReader = {
  findHa1(realm: string, username: string, field: Ha1Field): Promise<Ha1Record | undefined>
  /** What the realm's challenges offer; undefined: the server's default. */
  findAlgorithms(realm: string): Promise<readonly HashAlgorithm[] | undefined>
}

/** The mirror as the hot path sees it. */
export type MirrorReader = CredentialReader & {
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
  findHa1(realm: string, username: string, field: Ha1Field): Promise<Lookup<Ha1Record | undefined>>
  findAlgorithms(realm: string): Promise<Lookup<readonly HashAlgorithm[] | undefined>>
  /** Whether the mirror's word counts when it would refuse somebody: whether it holds every credential. */
  isMirrorComplete(): Promise<boolean>
  /** Asks the database alone. */
  findHa1InDatabase(realm: string, username: string, field: Ha1Field): Promise<Lookup<Ha1Record | undefined>>
}

/** Questions put to the database at one time; more would be an outage made worse. */
const DATABASE_QUESTIONS_MAX = 100

export function createCredentialSource(deps: {
  readonly mirror: MirrorReader
  readonly database: CredentialReader
  readonly metrics: Metrics
  readonly log: Log
}): CredentialSource {
  const { mirror, database, metrics, log } = deps
  let databaseQuestions = 0
  for (const source of [mirror.source, 'postgres']) metrics.lookupSeconds.zero({ source })

  async function ask<T>(origin: Origin, question: () => Promise<T>): Promise<Lookup<T>> {
    const endTimer = metrics.lookupSeconds.startTimer({ source: origin === 'mirror' ? mirror.source : 'postgres' })
    try {
      const value = await question()
      endTimer()
      return { origin, value }
    } catch (error) {
      log.debug({ err: error, origin }, 'a store did not answer a lookup')
      return { origin: 'unavailable' }
    }
  }

  async function askDatabase<T>(question: () => Promise<T>): Promise<Lookup<T>> {
    if (databaseQuestions >= DATABASE_QUESTIONS_MAX) return { origin: 'unavailable' }
    databaseQuestions++
    try {
      return await ask('database', question)
    } finally {
      databaseQuestions--
    }
  }

  async function askMirrorFirst<T>(fromMirror: () => Promise<T>, fromDatabase: () => Promise<T>): Promise<Lookup<T>> {
    const { current } = mirror
    const first = current ? await ask('mirror', fromMirror) : await askDatabase(fromDatabase)
    if (first.origin !== 'unavailable') return first
    // A mirror that lacks a change is better than none: a right password is let in, a wrong one is confirmed first.
    return current ? askDatabase(fromDatabase) : ask('mirror', fromMirror)
  }

  async function isMirrorComplete(): Promise<boolean> {
    const answer = mirror.current ? await ask('mirror', () => mirror.isComplete()) : undefined
    return answer?.origin === 'mirror' && answer.value
  }

  return {
    findHa1: (realm, username, field) =>
      askMirrorFirst(
        () => mirror.findHa1(realm, username, field),
        () => database.findHa1(realm, username, field),
      ),

    async findAlgorithms(realm) {
      const answer = await askMirrorFirst(
        () => mirror.findAlgorithms(realm),
        () => database.findAlgorithms(realm),
      )
      const missed = answer.origin === 'mirror' && answer.value === undefined
      return missed && !(await isMirrorComplete()) ? askDatabase(() => database.findAlgorithms(realm)) : answer
    },

    isMirrorComplete,

    findHa1InDatabase: (...key) => askDatabase(() => database.findHa1(...key)),
  }
}
