import type { Log } from '../log.js'
import { type FailureRecord, laterBan } from './failure-record.js'
import { createRareWarning } from './rare-warning.js'

/**
 * A record that all nodes share, and one of this process for what the shared one does not take: while it is away, and
 * while it answers but can write nothing. A ban of either is in force. Never rejects. `now` is in ms.
 */
export function createSharedFailureRecord(deps: {
  readonly shared: FailureRecord
  readonly local: FailureRecord
  readonly log: Log
  readonly now: () => number
}): FailureRecord {
  const { shared, local, log, now } = deps
  const text = 'the shared record of failures did not answer; this process throttles alone'
  const warn = createRareWarning({ text, log, now })

  async function onEither<T>(use: (record: FailureRecord) => Promise<T>): Promise<T> {
    try {
      return await use(shared)
    } catch (error) {
      warn(error)
      return use(local)
    }
  }

  return {
    get isWithoutBans() {
      return shared.isWithoutBans && local.isWithoutBans
    },
    peekBan(subject) {
      const ban = shared.peekBan(subject)
      return ban === undefined ? undefined : laterBan(ban, local.peekBan(subject) ?? null)
    },
    async readBan(subject) {
      const ban = await onEither((record) => record.readBan(subject))
      return laterBan(ban ?? null, local.peekBan(subject) ?? null) ?? undefined
    },
    countFailure: (subject, rule) => onEither((record) => record.countFailure(subject, rule)),
  }
}
