/** When failures of one subject become a ban. */
export type Limit = {
  /** So many failures within the window are too many. */
  readonly failures: number
  readonly windowMs: number
  /** Length of the first ban; each further one is twice as long, up to the longest. */
  readonly banMs: number
  readonly banMaxMs: number
}

/** Failures of subjects (a user from a source, a source) over a sliding window, and the bans that come of them. */
export type FailureRecord = {
  /** When the subject's ban ends or ended, ms since 1970; 0 for none. */
  readBan(subject: string): Promise<number>
  countFailure(subject: string, limit: Limit): Promise<void>
}
