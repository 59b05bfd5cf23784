import type { Log } from '../log.js'
import type { Attempt, Subjects } from './attempt.js'
import type { Ban } from './failure-record.js'
import { parseSourceAddress } from './source-address.js'

/** The value of the field `event` in the line of a ban. */
export const BAN_EVENT = 'ban'

/**
 * Writes the line of a ban that begins, one for each and none for a guess, so that whoever guesses does not fill the
 * disk. Programs read it (fail2ban/filter.d/sipauthd.conf), so the order of its fields is fixed: what a stranger chooses
 * comes last, and is left out unless it is of letters that mean nothing to a reader of JSON.
 */
export function logBan(
  log: Log,
  what: { readonly ban: Ban; readonly attempt: Attempt; readonly subjects: Subjects; readonly now: number },
): void {
  const { ban, attempt, subjects } = what
  const { source, realm, username } = subjects
  const fields = {
    ...{ event: BAN_EVENT, kind: ban.kind, address: `${parseSourceAddress(attempt.sourceIp)}`, source },
    ...{ seconds: Math.ceil((ban.untilMs - what.now) / 1000), bans: ban.count },
    ...(realm && { realm }),
    ...(username && { username }),
  }
  log.warn(fields, 'too many wrong passwords')
}
