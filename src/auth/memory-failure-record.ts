import { LRUCache } from 'lru-cache'
import type { Ban, FailureRecord, Kind, Rule } from './failure-record.js'

/** Subjects remembered, and bans; those that failed longest ago go first. */
const SUBJECTS_MAX = 50_000

type Subject = { readonly failures: Readonly<Partial<Record<Kind, readonly number[]>>>; readonly ban: Ban | undefined }

const BLANK: Subject = { failures: {}, ban: undefined }

/** Failures as this process alone has seen them. `now` is in ms since 1970. */
export function createMemoryFailureRecord({ now }: { readonly now: () => number }): FailureRecord {
  const subjects = new LRUCache<string, Subject>({ max: SUBJECTS_MAX, perf: { now } })
  /** Apart from the failures: every check looks here, and mostly there are none. */
  const bans = new LRUCache<string, Ban>({ max: SUBJECTS_MAX })

  function peekBan(subject: string): Ban | null {
    if (bans.size === 0) return null
    const ban = bans.get(subject)
    if (ban && ban.untilMs <= now()) bans.delete(subject)
    return ban ?? null
  }

  return {
    get isWithoutBans() {
      return bans.size === 0
    },
    peekBan,
    readBan: async (subject) => peekBan(subject) ?? undefined,
    async countFailure(subject, rule) {
      const at = now()
      const before = subjects.get(subject) ?? BLANK
      const after = judge(before, rule, at)
      const end = Math.max(at, after.ban?.untilMs ?? 0)
      const windowMs = Math.max(...rule.limits.map((limit) => limit.windowMs), after.ban ? rule.banMaxMs : 0)
      subjects.set(subject, after, { ttl: end - at + windowMs })
      const left = Math.max(1, Math.min(...rule.limits.map((limit) => limit.failures - countOf(after, limit.kind))))
      if (after.ban === undefined || after.ban === before.ban) return { ban: undefined, left }
      bans.set(subject, after.ban)
      return { ban: after.ban, left }
    },
  }
}

function countOf({ failures }: Subject, kind: Kind): number {
  return failures[kind]?.length ?? 0
}

/** The subject with one failure more, and with the ban that it brings. */
function judge({ failures, ban: last }: Subject, { limits, banMs, banMaxMs }: Rule, now: number): Subject {
  const isBanned = last !== undefined && last.untilMs > now
  const at = isBanned ? last.untilMs : now
  const counted = limits.map((limit) => {
    const held = failures[limit.kind] ?? []
    return { limit, times: [...held.filter((time) => time > at - limit.windowMs), at].slice(-limit.failures) }
  })
  const broken = isBanned ? undefined : counted.find(({ limit, times }) => times.length >= limit.failures)
  if (!broken) return { failures: toFailures(counted), ban: last }
  const count = last && last.untilMs + banMaxMs > now ? last.count : 0
  const lengthMs = Math.min(banMs * 2 ** count, banMaxMs)
  const kept = counted
    .filter(({ limit }) => limit.lasting)
    .map(({ limit, times }) => ({ limit, times: times.map((time) => time + lengthMs) }))
  return { failures: toFailures(kept), ban: { kind: broken.limit.kind, untilMs: now + lengthMs, count: count + 1 } }
}

function toFailures(counted: readonly { readonly limit: { kind: Kind }; readonly times: readonly number[] }[]) {
  return Object.fromEntries(counted.map(({ limit, times }) => [limit.kind, times]))
}
