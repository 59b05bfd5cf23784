import { AggregatorRegistry, type Registry } from 'prom-client'
import type { Snapshot } from './protocol.js'

/** A process that tells its metrics; rejects where it does not in time. */
type Measurable = { measure(): Promise<Snapshot> }

/** The metrics of all processes of a node as those of one. */
export type NodeMetrics = {
  /** All of them in Prometheus's text format: this process's and the workers'. */
  scrape(): Promise<string>
  /** Keeps what a worker that is gone has counted, as it told last: a counter that falls back is a restart to Prometheus. */
  keepCounts(worker: Measurable): Promise<void>
}

/** What only grows, and is therefore still true of a process that no longer answers. */
const COUNTS: ReadonlySet<string> = new Set(['counter', 'histogram'])

/** Ways of putting together that prom-client's own metrics do not name well for one node. */
const AGGREGATORS: Readonly<Record<string, 'min'>> = {
  // Since when the node runs: since its oldest process does.
  process_start_time_seconds: 'min',
}

/** Puts together the registry of this process and those of `workers`; each metric names its aggregator. */
export function createNodeMetrics(deps: {
  readonly registry: Registry
  readonly workers: () => Iterable<Measurable>
}): NodeMetrics {
  const told = new Map<Measurable, Snapshot>()
  /** What those that are gone have counted; each is added behind the ones before. */
  let gone: Promise<Snapshot> = Promise.resolve([])
  let running: Promise<string> | undefined

  async function ask(worker: Measurable): Promise<Snapshot> {
    const last = told.get(worker) ?? []
    try {
      const snapshot = await worker.measure()
      // What arrives behind a worker's end is not kept, so it must not be shown either.
      if (![...deps.workers()].includes(worker)) return countsOf(last)
      told.set(worker, snapshot)
      return snapshot
    } catch {
      // Its counts stand still, and are right again when it answers.
      return countsOf(last)
    }
  }

  /** Who is there and who is gone is looked at in one step: who goes away meanwhile counts once. */
  async function gather(): Promise<string> {
    const workers = [...deps.workers()]
    return aggregate(await Promise.all([deps.registry.getMetricsAsJSON(), gone, ...workers.map(ask)])).metrics()
  }

  return {
    scrape() {
      running ??= gather().finally(() => {
        running = undefined
      })
      return running
    },
    async keepCounts(worker) {
      const last = told.get(worker)
      told.delete(worker)
      if (last) gone = gone.then((before) => aggregate([before, countsOf(last)]).getMetricsAsJSON())
      await gone
    },
  }
}

function countsOf(snapshot: Snapshot): Snapshot {
  return snapshot.filter(({ type }) => COUNTS.has(String(type)))
}

function aggregate(snapshots: readonly Snapshot[]): Registry {
  const named = snapshots.map((snapshot) =>
    snapshot.map((metric) => ({ ...metric, aggregator: AGGREGATORS[metric.name] ?? metric.aggregator })),
  )
  return AggregatorRegistry.aggregate(named)
}
