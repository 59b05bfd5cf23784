import type { Log } from './log.js'
import type { Metrics } from './metrics.js'

/** A store that can be asked whether it is there; rejects or hangs where it is not. */
export type Probe = () => Promise<unknown>

const PROBE_MS = 1_000
const PROBE_TIMEOUT_MS = 900

/** Asks the stores every second whether they are there. */
export type Health = {
  /** Whether each store answered last time. */
  readonly up: ReadonlyMap<string, boolean>
  close(): void
}

/** Probes once before it answers, and logs each change. */
export async function watchHealth(deps: {
  readonly probes: Readonly<Record<string, Probe>>
  readonly metrics: Metrics
  readonly log: Log
}): Promise<Health> {
  const { probes, metrics, log } = deps
  const up = new Map<string, boolean>()

  async function probe(store: string, ask: Probe): Promise<void> {
    const answered = await answersInTime(ask)
    if (up.get(store) !== answered.up && (up.has(store) || !answered.up)) {
      const level = answered.up ? 'info' : 'error'
      log[level]({ store, err: answered.error }, answered.up ? 'the store is back' : 'the store does not answer')
    }
    up.set(store, answered.up)
    metrics.storeUp.set({ store }, answered.up ? 1 : 0)
  }

  async function probeAll(): Promise<void> {
    await Promise.all(Object.entries(probes).map(([store, ask]) => probe(store, ask)))
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

async function answersInTime(ask: Probe): Promise<{ up: boolean; error?: unknown }> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error('no answer in time')), PROBE_TIMEOUT_MS)
  })
  try {
    await Promise.race([ask(), late])
    return { up: true }
  } catch (error) {
    return { up: false, error }
  } finally {
    clearTimeout(timer)
  }
}
