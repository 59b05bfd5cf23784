import type { Log } from './log.js'
import type { Metrics } from './metrics.js'
import { withinTime } from './time-limit.js'

/** A store that can be asked whether it is there; rejects or hangs where it is not. */
export type Probe = () => Promise<unknown>

const PROBE_MS = 1_000
const PROBE_TIMEOUT_MS = 900

/** Asks the stores every second whether they are there. */
export type Health = {
  /** Whether each store answered last time, in the order of the probes. */
  readonly up: ReadonlyMap<string, boolean>
  close(): void
}

/** Probes once before it answers, and logs each change. */
export async function watchHealth(deps: {
  readonly probes: Readonly<Record<string, Probe>>
  /** Whether the mirror alone can answer every check. Never rejects. */
  readonly isMirrorComplete: () => Promise<boolean>
  readonly metrics: Metrics
  readonly log: Log
}): Promise<Health> {
  const { probes, metrics, log } = deps
  const up = new Map<string, boolean>()

  function note(store: string, answered: Answered): void {
    if (up.get(store) !== answered.up && (up.has(store) || !answered.up)) {
      const level = answered.up ? 'info' : 'error'
      log[level]({ store, err: answered.error }, answered.up ? 'the store is back' : 'the store does not answer')
    }
    up.set(store, answered.up)
    metrics.storeUp.set({ store }, answered.up ? 1 : 0)
  }

  async function probeAll(): Promise<void> {
    const answers = Object.entries(probes).map(async ([store, ask]) => [store, await answersInTime(ask)] as const)
    const isComplete = deps.isMirrorComplete()
    for (const [store, answered] of await Promise.all(answers)) note(store, answered)
    metrics.mirrorComplete.set((await isComplete) ? 1 : 0)
  }

  await probeAll()
  let running = false
  const timer = setInterval(async () => {
    if (running) return
    running = true
    await probeAll()
    running = false
  }, PROBE_MS)
  return { up, close: () => clearInterval(timer) }
}

type Answered = { readonly up: boolean; readonly error?: unknown }

async function answersInTime(ask: Probe): Promise<Answered> {
  try {
    await withinTime(PROBE_TIMEOUT_MS, ask())
    return { up: true }
  } catch (error) {
    return { up: false, error }
  }
}
