/**
 * What is throttled; the label `kind` of the metrics. `user`: one user from one source who fails often in a short time.
 * `retry`: the same over a long time, as a phone with an old password does. `source`: one source over all users.
 */
export const KINDS = ['user', 'retry', 'source'] as const
export type Kind = (typeof KINDS)[number]

/** How many failures of one subject are too many. */
export type Limit = {
  readonly kind: Kind
  /** So many failures within the window are too many; 1 at least. */
  readonly failures: number
  readonly windowMs: number
  /**
   * Whether its failures count after a ban too. Then each further one is a ban, and while a ban runs no time passes for
   * them: they leave the window only after so long a time in which the subject could have failed, and did not.
   */
  readonly lasting: boolean
}

/** When failures of one subject become a ban, and how long that is. */
export type Rule = {
  /** At least one; where one failure breaks several, the ban is of the first one's kind. */
  readonly limits: readonly Limit[]
  /** Length of the first ban; each further one is twice as long, up to the longest, after which all is forgotten. */
  readonly banMs: number
  readonly banMaxMs: number
}

export type Ban = {
  readonly kind: Kind
  /** When it ends or ended, ms since 1970. */
  readonly untilMs: number
  /** How many it makes with those before it, as far as they are remembered. */
  readonly count: number
}

/** What a failure comes to. */
export type Counted = {
  /** The ban that begins with it, if any. */
  readonly ban: Ban | undefined
  /** How many more may fail until the next ban, the one that brings it included; 1 at least. */
  readonly left: number
}

/** Failures of subjects (a user from a source, a source) over sliding windows, and the bans that come of them. */
export type FailureRecord = {
  /** Whether it is known at once that nobody is banned. */
  readonly isWithoutBans: boolean
  /** The last ban where it is known at once; `null`: none, undefined: not known. */
  peekBan(subject: string): Ban | null | undefined
  /** The last ban, which may have ended, unless it is forgotten. */
  readBan(subject: string): Promise<Ban | undefined>
  /**
   * Counts a failure. While a ban runs, no other begins, and a failure counts as if it came at its end: it was judged
   * before the ban was known.
   */
  countFailure(subject: string, rule: Rule): Promise<Counted>
}

/** Of two bans the one that ends later. */
export function laterBan(one: Ban | null, other: Ban | null): Ban | null {
  return other && (!one || other.untilMs > one.untilMs) ? other : one
}
