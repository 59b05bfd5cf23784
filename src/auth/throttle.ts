/** Who tries: a user of a realm, and the source address; without a source nothing is throttled. */
export type Attempt = {
  readonly realm: string
  readonly username: string
  readonly sourceIp: string | undefined
}

/** Slows down whoever guesses passwords. Never rejects. */
export type Throttle = {
  /** Seconds for which this attempt is refused, the right password too; undefined: not at all. */
  check(attempt: Attempt): Promise<number | undefined>
  /** Counts a wrong password or an unknown user; nothing else counts. */
  fail(attempt: Attempt): Promise<void>
}
