import { Counter, type Registry } from 'prom-client'

/** SIP methods that a metric may name; whatever else a stranger sends is `other` (RFC 3261 and its extensions). */
const METHODS: ReadonlySet<string> = new Set([
  'REGISTER',
  'INVITE',
  'OPTIONS',
  'SUBSCRIBE',
  'NOTIFY',
  'PUBLISH',
  'MESSAGE',
  'REFER',
  'INFO',
  'UPDATE',
  'PRACK',
  'BYE',
  'CANCEL',
  'ACK',
])

/** Counts verdicts by door, SIP method and reason. */
export type VerdictCounter = Counter<'door' | 'method' | 'reason'> & {
  /** Counts one. Any method may be given: a strange one counts as `other`, so that no stranger chooses a label. */
  count(door: string, method: string, reason: string): void
  /** Shows the series of REGISTER from now on, at zero if nothing was counted: a rate needs a zero to begin at. */
  show(door: string, reason: string): void
}

/** What was counted since it was handed over last. */
type Tally = { readonly door: string; readonly method: string; readonly reason: string; count: number }

/**
 * Counts in plain numbers, since prom-client's `inc` costs as much as a digest; they are handed over to it when somebody
 * scrapes.
 */
export function createVerdictCounter(registers: Registry[]): VerdictCounter {
  const tallies: Tally[] = []
  /** That of the last verdict: most are like the one before, and need not be looked up by their three labels. */
  let last: Tally = { door: '', method: '', reason: '', count: 0 }
  const byDoor = new Map<string, Map<string, Map<string, Tally>>>()
  const counter = new Counter({
    name: 'sipauthd_verdicts_total',
    help: 'Checks by door, SIP method and reason.',
    labelNames: ['door', 'method', 'reason'] as const,
    registers,
    collect() {
      for (const tally of tallies) {
        const { count, ...labels } = tally
        if (count > 0) this.inc(labels, count)
        tally.count = 0
      }
    },
  })

  function begin(door: string, method: string, reason: string): Tally {
    const tally = { door, method, reason, count: 0 }
    const byMethod = byDoor.get(door) ?? new Map<string, Map<string, Tally>>()
    const byReason = byMethod.get(method) ?? new Map<string, Tally>()
    byDoor.set(door, byMethod.set(method, byReason.set(reason, tally)))
    tallies.push(tally)
    return tally
  }

  return Object.assign(counter, {
    count(door: string, method: string, reason: string) {
      if (last.reason !== reason || last.door !== door || last.method !== method) {
        const label = METHODS.has(method) ? method : 'other'
        last = byDoor.get(door)?.get(label)?.get(reason) ?? begin(door, label, reason)
      }
      last.count++
    },
    show(door: string, reason: string) {
      counter.inc({ door, method: 'REGISTER', reason }, 0)
    },
  })
}
