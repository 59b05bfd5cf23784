import { LRUCache } from 'lru-cache'
import type { Log } from '../log.js'
import type { Metrics } from '../metrics.js'
import { createTurnstile, type Turnstile } from '../turnstile.js'
import { type Attempt, createSubjects, type Subjects } from './attempt.js'
import { logBan } from './ban-line.js'
import { type Ban, type FailureRecord, KINDS, type Limit, laterBan, type Rule } from './failure-record.js'
import { createSharedFailureRecord } from './shared-failure-record.js'

/** Slows down whoever guesses passwords; nobody can lock a user out from elsewhere. Never throws and never rejects. */
export type Throttle = {
  /** Whether it is known at once that nobody is banned, and nobody is being judged: then `peek` lets everybody pass. */
  isIdle(): boolean
  /**
   * Seconds for which this attempt is refused, the right password too; 0: not at all, and nobody need wait for a turn to
   * judge it. Undefined where that is not known at once: then it is judged in its turn, and checked there.
   */
  peek(attempt: Attempt): number | undefined
  /** Seconds for which this attempt is refused, the right password too; undefined: not at all. */
  check(attempt: Attempt): Promise<number | undefined>
  /** Counts a wrong password, an unknown user, or an answer to what is offered that the user has no HA1 for; nothing else. */
  fail(attempt: Attempt): Promise<void>
  /**
   * Judges an attempt: no more of one subject at a time than may still fail, as far as this process has counted, so that
   * of a burst of guesses no more is judged than one after the other. Rejects with what `judge` rejects with. Undefined,
   * without judging, where too many wait already.
   */
  inTurn<T>(attempt: Attempt, judge: () => Promise<T>): Promise<T | undefined>
}

/** How many failures are too many; 0 turns a kind off. Times in ms. */
export type ThrottleLimits = {
  readonly userFailures: number
  readonly sourceFailures: number
  readonly windowMs: number
  /** One user from one source over a long time: a phone with an old password. */
  readonly retryFailures: number
  readonly retryWindowMs: number
  readonly banMs: number
  readonly banMaxMs: number
}

/** Subjects of which it is remembered how many more may fail; those that failed longest ago go first. */
const FAILED_MAX = 10_000

/**
 * Attempts of one subject that wait for their turn: while stores are slow, they come faster than they are judged. Behind
 * one address there may be many phones that all come at once, after a power cut.
 */
const WAITING_MAX = { pair: 1_000, source: 5_000 } as const

/** A subject's name in what an attempt counts for, and its rule. */
type Guard = {
  readonly name: 'pair' | 'source'
  readonly rule: Rule
  readonly turnstile: Turnstile
  /** How many more of a subject may fail, where some have failed in the window. */
  readonly left: LRUCache<string, number>
}

/** A throttle over a record that all nodes share; while that is away, over one of this process. */
export function createThrottle(deps: {
  readonly shared: FailureRecord | undefined
  readonly local: FailureRecord
  readonly limits: ThrottleLimits
  readonly metrics: Metrics
  readonly now: () => number
  readonly log: Log
}): Throttle {
  const { shared, local, metrics, now, log } = deps
  const record = shared ? createSharedFailureRecord({ shared, local, log, now }) : local
  const guards = createGuards(deps.limits, now)
  const subjectsOf = createSubjects()
  for (const counter of [metrics.throttled, metrics.bans]) for (const kind of KINDS) counter.inc({ kind }, 0)

  /** The ban that ends last, where that is known at once. */
  function peekLongest(subjects: Subjects): Ban | null | undefined {
    let longest: Ban | null = null
    for (const { name } of guards) {
      const ban = record.peekBan(subjects[name])
      if (ban === undefined) return undefined
      longest = laterBan(longest, ban)
    }
    return longest
  }

  async function readLongest(subjects: Subjects): Promise<Ban | null> {
    const bans = await Promise.all(guards.map(({ name }) => record.readBan(subjects[name])))
    return bans.reduce<Ban | null>((one, other) => laterBan(one, other ?? null), null)
  }

  /** Seconds that are left of the ban; 0 where it has ended. */
  function secondsOf(ban: Ban | null): number {
    const leftMs = ban ? ban.untilMs - now() : 0
    if (!ban || leftMs <= 0) return 0
    metrics.throttled.inc({ kind: ban.kind })
    return Math.ceil(leftMs / 1000)
  }

  /** Attempts that are judged, or wait for their turn. */
  let judged = 0
  const isIdle = () => judged === 0 && record.isWithoutBans

  return {
    isIdle,

    peek(attempt) {
      if (isIdle()) return 0
      const subjects = subjectsOf(attempt)
      if (subjects === undefined) return 0
      const ban = peekLongest(subjects)
      if (ban === undefined) return undefined
      // Whoever is banned waits for no turn.
      const seconds = secondsOf(ban)
      return seconds > 0 || haveRoom(guards, subjects) ? seconds : undefined
    },

    async check(attempt) {
      const subjects = subjectsOf(attempt)
      if (subjects === undefined) return undefined
      const known = peekLongest(subjects)
      return secondsOf(known === undefined ? await readLongest(subjects) : known) || undefined
    },

    async fail(attempt) {
      const subjects = subjectsOf(attempt)
      if (subjects === undefined) return metrics.failuresWithoutSource.inc()
      await Promise.all(
        guards.map(async (guard) => {
          const subject = subjects[guard.name]
          const { ban, left } = await record.countFailure(subject, guard.rule)
          guard.left.set(subject, left)
          if (ban === undefined) return
          metrics.bans.inc({ kind: ban.kind })
          logBan(log, { ban, attempt, subjects, now: now() })
        }),
      )
    },

    async inTurn(attempt, judge) {
      const subjects = subjectsOf(attempt)
      if (subjects === undefined) return judge()
      if (guards.some(({ name, turnstile }) => turnstile.waiting(subjects[name]) >= WAITING_MAX[name])) return undefined
      judged++
      // All take the guards in one order, so that nobody waits for a place while he holds the one that is waited for.
      for (const { name, turnstile } of guards) await turnstile.enter(subjects[name])
      try {
        return await judge()
      } finally {
        judged--
        for (const { name, turnstile } of guards) turnstile.leave(subjects[name])
      }
    },
  }
}

/** One for each subject that has a limit at all. */
function createGuards(limits: ThrottleLimits, now: () => number): readonly Guard[] {
  const { userFailures, sourceFailures, windowMs, retryFailures, retryWindowMs, banMs, banMaxMs } = limits
  const limitsOf: Readonly<Record<Guard['name'], readonly Limit[]>> = {
    pair: [
      { kind: 'user', failures: userFailures, windowMs, lasting: false },
      { kind: 'retry', failures: retryFailures, windowMs: retryWindowMs, lasting: true },
    ],
    source: [{ kind: 'source', failures: sourceFailures, windowMs, lasting: false }],
  }
  return (['pair', 'source'] as const).flatMap((name) => {
    const some = limitsOf[name].filter(({ failures }) => failures > 0)
    if (some.length === 0) return []
    const most = Math.min(...some.map(({ failures }) => failures))
    const ttl = Math.max(...some.map((limit) => limit.windowMs))
    const left = new LRUCache<string, number>({ max: FAILED_MAX, ttl, perf: { now } })
    const turnstile = createTurnstile((subject) => left.get(subject) ?? most)
    return [{ name, rule: { limits: some, banMs, banMaxMs }, turnstile, left }]
  })
}

/** Whether the attempt would be let in to be judged at once. */
function haveRoom(guards: readonly Guard[], subjects: Subjects): boolean {
  for (const { name, turnstile } of guards) if (!turnstile.hasRoom(subjects[name])) return false
  return true
}
