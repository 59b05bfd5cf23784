import type { Log } from '../log.js'
import type { Metrics } from '../metrics.js'
import { isUsername } from '../names.js'
import { createTurnstile } from '../turnstile.js'
import type { FailureRecord, Limit } from './failure-record.js'
import { createRareWarning } from './rare-warning.js'
import { toSource } from './source-address.js'

/** Who tries: a user of a realm, and the source address; without a source nothing is throttled. */
export type Attempt = {
  readonly realm: string
  readonly username: string
  readonly sourceIp: string | undefined
}

/** Slows down whoever guesses passwords; nobody can lock a user out from elsewhere. Never rejects. */
export type Throttle = {
  /** Seconds for which this attempt is refused, the right password too; undefined: not at all. */
  check(attempt: Attempt): Promise<number | undefined>
  /** Counts a wrong password, an unknown user, or an answer to what is offered that the user has no HA1 for; nothing else. */
  fail(attempt: Attempt): Promise<void>
  /**
   * Judges an attempt: no more of one subject at a time than may fail, so that a burst of guesses is not all judged
   * before the first is counted.
   */
  inTurn<T>(attempt: Attempt, judge: () => Promise<T>): Promise<T>
}

/** How many failures are too many; 0 turns a kind off. Times in ms. */
export type ThrottleLimits = {
  readonly userFailures: number
  readonly sourceFailures: number
  readonly windowMs: number
  readonly banMs: number
  readonly banMaxMs: number
}

/** What is throttled: one user from one source, or a source over all users; the label `kind` of the metrics. */
const KINDS = ['user', 'source'] as const
type Kind = (typeof KINDS)[number]

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
  const { userFailures, sourceFailures, windowMs, banMs, banMaxMs } = deps.limits
  const limits: Readonly<Record<Kind, Limit>> = {
    user: { failures: userFailures, windowMs, banMs, banMaxMs },
    source: { failures: sourceFailures, windowMs, banMs, banMaxMs },
  }
  const kinds = KINDS.filter((kind) => limits[kind].failures > 0)
  for (const kind of KINDS) metrics.throttled.inc({ kind }, 0)
  const turnstiles = kinds.map((kind) => ({ kind, turnstile: createTurnstile(limits[kind].failures) }))

  async function onRecord<T>(use: (record: FailureRecord) => Promise<T>): Promise<T> {
    if (!shared) return use(local)
    try {
      return await use(shared)
    } catch (error) {
      warn(error)
      return use(local)
    }
  }

  return {
    async check(attempt) {
      const source = toSource(attempt.sourceIp)
      if (source === undefined) return undefined
      const bans = await Promise.all(
        kinds.map(async (kind) => ({
          kind,
          until: await onRecord((record) => record.readBan(subjectOf(kind, source, attempt))),
        })),
      )
      const longest = bans.reduce((a, b) => (b.until > a.until ? b : a), {
        kind: KINDS[0],
        until: 0,
      } as (typeof bans)[0])
      const leftMs = longest.until - now()
      if (leftMs <= 0) return undefined
      metrics.throttled.inc({ kind: longest.kind })
      return Math.ceil(leftMs / 1000)
    },

    async fail(attempt) {
      const source = toSource(attempt.sourceIp)
      if (source === undefined) return metrics.failuresWithoutSource.inc()
      await Promise.all(
        kinds.map((kind) => onRecord((record) => record.countFailure(subjectOf(kind, source, attempt), limits[kind]))),
      )
    },

    async inTurn(attempt, judge) {
      const source = toSource(attempt.sourceIp)
      if (source === undefined) return judge()
      // All take the kinds in one order, so that nobody waits for a place while he holds the one that is waited for.
      const turns = turnstiles.map(({ kind, turnstile }) => ({ turnstile, subject: subjectOf(kind, source, attempt) }))
      for (const { turnstile, subject } of turns) await turnstile.enter(subject)
      try {
        return await judge()
      } finally {
        for (const { turnstile, subject } of turns) turnstile.leave(subject)
      }
    },
  }
}

/**
 * The subject's name in the records. `user` and `user@realm` are one user, who has no second set of guesses; what cannot
 * be a user name is one subject for all, so that nobody fills the records with names of his own making.
 */
function subjectOf(kind: Kind, source: string, { realm, username }: Attempt): string {
  if (kind === 'source') return source
  const suffix = `@${realm}`
  const user = username.endsWith(suffix) ? username.slice(0, -suffix.length) : username
  return `${source}|${realm}|${isUsername(user) ? user : ''}`
}
