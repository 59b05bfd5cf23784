import type { Log } from '../log.js'
import type { Metrics } from '../metrics.js'
import { createTurnstile, type Turnstile } from '../turnstile.js'
import { type Attempt, createSubjects, type Subjects } from './attempt.js'
import { logBan } from './ban-line.js'
import { type Ban, type FailureRecord, KINDS, type Limit, type Rule } from './failure-record.js'
import { createRareWarning } from './rare-warning.js'

/** Slows down whoever guesses passwords; nobody can lock a user out from elsewhere. Never throws and never rejects. */
export type Throttle = {
  /**
   * Seconds for which this attempt is refused, the right password too; undefined: not at all. No promise where bans are
   * known at once.
   */
  check(attempt: Attempt): number | undefined | Promise<number | undefined>
  /** Counts a wrong password, an unknown user, or an answer to what is offered that the user has no HA1 for; nothing else. */
  fail(attempt: Attempt): Promise<void>
  /**
   * Judges an attempt: no more of one subject at a time than may fail, so that a burst of guesses is not all judged
   * before the first is counted. No promise where there is room and `judge` needs none; what `judge` throws passes.
   */
  inTurn<T>(attempt: Attempt, judge: () => T | Promise<T>): T | Promise<T>
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

/** A subject's name in what an attempt counts for, its rule, and how many are judged at a time. */
type Guard = { readonly name: 'pair' | 'source'; readonly rule: Rule; readonly turnstile: Turnstile }

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
  const text = 'the shared record of failures did not answer; this process throttles alone'
  const warn = createRareWarning({ text, log, now })
  const guards = createGuards(deps.limits)
  const subjectsOf = createSubjects()
  for (const counter of [metrics.throttled, metrics.bans]) for (const kind of KINDS) counter.inc({ kind }, 0)

  async function onRecord<T>(use: (record: FailureRecord) => Promise<T>): Promise<T> {
    if (!shared) return use(local)
    try {
      return await use(shared)
    } catch (error) {
      warn(error)
      return use(local)
    }
  }

  function refuse(ban: Ban | null | undefined): number | undefined {
    const leftMs = ban ? ban.untilMs - now() : 0
    if (!ban || leftMs <= 0) return undefined
    metrics.throttled.inc({ kind: ban.kind })
    return Math.ceil(leftMs / 1000)
  }

  async function ask(subjects: Subjects): Promise<number | undefined> {
    const bans = await Promise.all(guards.map(({ name }) => onRecord((record) => record.readBan(subjects[name]))))
    return refuse(bans.reduce(longer, undefined))
  }

  return {
    check(attempt) {
      const subjects = subjectsOf(attempt)
      if (subjects === undefined) return undefined
      let longest: Ban | null = null
      for (const { name } of guards) {
        const ban = (shared ?? local).peekBan(subjects[name])
        if (ban === undefined) return ask(subjects)
        longest = longer(longest, ban)
      }
      return refuse(longest)
    },

    async fail(attempt) {
      const subjects = subjectsOf(attempt)
      if (subjects === undefined) return metrics.failuresWithoutSource.inc()
      await Promise.all(
        guards.map(async ({ name, rule }) => {
          const ban = await onRecord((record) => record.countFailure(subjects[name], rule))
          if (ban === undefined) return
          metrics.bans.inc({ kind: ban.kind })
          logBan(log, { ban, attempt, subjects, now: now() })
        }),
      )
    },

    inTurn(attempt, judge) {
      const subjects = subjectsOf(attempt)
      if (subjects === undefined) return judge()
      const waiting = enterAll(guards, subjects)
      return waiting
        ? waiting.then(() => judgeAndLeave(guards, subjects, judge))
        : judgeAndLeave(guards, subjects, judge)
    },
  }
}

/** One for each subject that has a limit at all. */
function createGuards(limits: ThrottleLimits): readonly Guard[] {
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
    const turnstile = createTurnstile(Math.min(...some.map(({ failures }) => failures)))
    return [{ name, rule: { limits: some, banMs, banMaxMs }, turnstile }]
  })
}

function longer<None extends null | undefined>(one: Ban | None, other: Ban | None): Ban | None {
  return other && (!one || other.untilMs > one.untilMs) ? other : one
}

/**
 * Takes a place at every guard; undefined when there is room. All take them in one order, so that nobody waits for a
 * place while he holds the one that is waited for.
 */
function enterAll(guards: readonly Guard[], subjects: Subjects): Promise<void> | undefined {
  for (const [index, { name, turnstile }] of guards.entries()) {
    const waiting = turnstile.enter(subjects[name])
    if (waiting) return waiting.then(() => enterAll(guards.slice(index + 1), subjects))
  }
  return undefined
}

function judgeAndLeave<T>(guards: readonly Guard[], subjects: Subjects, judge: () => T | Promise<T>): T | Promise<T> {
  const leave = () => {
    for (const { name, turnstile } of guards) turnstile.leave(subjects[name])
  }
  let verdict: T | Promise<T>
  try {
    verdict = judge()
  } catch (error) {
    leave()
    throw error
  }
  if (verdict instanceof Promise) return verdict.finally(leave)
  leave()
  return verdict
}
