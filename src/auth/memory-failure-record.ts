import { LRUCache } from 'lru-cache'
import type { FailureRecord } from './failure-record.js'

/** Subjects remembered; those that failed longest ago go first. */
const SUBJECTS_MAX = 50_000

type Subject = { failures: number[]; bans: number; until: number }

/** Failures as this process alone has seen them. `now` is in ms since 1970. */
export function createMemoryFailureRecord({ now }: { readonly now: () => number }): FailureRecord {
  const subjects = new LRUCache<string, Subject>({ max: SUBJECTS_MAX, perf: { now } })
  return {
    async readBan(subject) {
      return subjects.get(subject)?.until ?? 0
    },
    async countFailure(subject, { failures, windowMs, banMs, banMaxMs }) {
      const at = now()
      const held = subjects.get(subject) ?? { failures: [], bans: 0, until: 0 }
      held.failures = [...held.failures.filter((failure) => failure > at - windowMs), at]
      if (held.failures.length >= failures) {
        held.until = at + Math.min(banMs * 2 ** held.bans, banMaxMs)
        held.bans++
        held.failures = []
      }
      // The length of the next ban is remembered for as long as the longest ban lasts.
      subjects.set(subject, held, { ttl: Math.max(windowMs, held.until - at + banMaxMs) })
    },
  }
}
