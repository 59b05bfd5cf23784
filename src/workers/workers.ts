import type { Config } from '../config.js'
import type { HttpDoor } from '../doors.js'
import type { Log } from '../log.js'
import type { Metrics } from '../metrics.js'
import type { Relay } from '../relay.js'
import type { Secret } from '../secret.js'
import type { News, Siblings } from '../siblings.js'
import { createHandover } from './handover.js'
import { createNodeMetrics } from './node-metrics.js'
import type { Boot } from './protocol.js'
import { createRestartPauses } from './restart-pauses.js'
import { startWorker, type WorkerProcess } from './worker-process.js'

/** The processes that share the HTTP doors of a node. */
export type Workers = HttpDoor &
  Siblings & {
    /** Puts other nonce secrets in force in all of them, newest first. */
    rotateNonceSecrets(secrets: readonly Secret[]): void
    /** Lets all of them say at `/readyz` that they are about to stop; everything else goes on as before. */
    beUnready(): void
  }

/** How long workers may take to drain before they are killed, in ms; they bound what they do themselves. */
const DRAIN_MS = 7_500

/** Starts the workers when it is opened, and from then on a new one for each that ends; `stopping` gives the start up. */
export function createWorkers(deps: {
  readonly config: Config
  readonly boot: Boot
  /** Hears what workers have changed, and knows what the mirror lacks. */
  readonly relay: Pick<Relay, 'hear' | 'unmirrored'>
  /** This process's; the node's are put together of them and the workers'. */
  readonly metrics: Metrics
  readonly stopping: AbortSignal
  readonly log: Log
}): Workers {
  const { relay, stopping, log } = deps
  let { boot } = deps
  const [running, serving] = [new Set<WorkerProcess>(), new Set<WorkerProcess>()]
  const handover = createHandover()
  const nodeMetrics = createNodeMetrics({ registry: deps.metrics.registry, workers: () => serving })
  const restarts = new Set<NodeJS.Timeout>()
  let closing = false
  let unready = false

  const events = {
    onStarted: (worker: WorkerProcess) => worker.tell({ kind: 'begin', boot }),
    onLeaving: handover.remove,
    onSilent: handover.remove,
    onBack: handover.add,
    onReturned: handover.pass,
    scrape: nodeMetrics.scrape,
    async onNews(teller: WorkerProcess, news: News) {
      relay.hear(news)
      await tellAll(news, teller)
    },
  }

  async function tellAll(news: News, teller?: WorkerProcess): Promise<void> {
    const others = [...serving].filter((worker) => worker !== teller)
    await Promise.all(others.map((worker) => worker.tellNews(news)))
  }

  /** Starts a worker, and a new one in its place whenever it ends. */
  function keepOne(on: { onServing(): void; onEnded(): void }, pauses = createRestartPauses()): void {
    function onServing(worker: WorkerProcess): void {
      serving.add(worker)
      // Its siblings were told before; it hears of it before it has anything to answer.
      if (relay.unmirrored !== undefined) void worker.tellNews({ keys: [], unmirrored: relay.unmirrored })
      if (unready) worker.tell({ kind: 'unready' })
      handover.add(worker)
      on.onServing()
    }

    const worker = startWorker({ ...events, onServing }, log)
    running.add(worker)
    const begun = performance.now()
    void worker.ended.then((ending) => {
      running.delete(worker)
      handover.remove(worker)
      if (serving.delete(worker)) void nodeMetrics.keepCounts(worker)
      if (closing) return
      on.onEnded()
      const pauseMs = pauses.next(performance.now() - begun)
      // One that was told by a signal to stop has done so.
      const level = ending.code === 0 ? 'info' : 'error'
      log[level]({ worker: worker.pid, ...ending, pauseMs }, 'a worker has ended; another is started in its place')
      const timer = setTimeout(() => {
        restarts.delete(timer)
        keepOne(on, pauses)
      }, pauseMs)
      restarts.add(timer)
    })
  }

  /** Resolves when all serve; rejects where one ends before, or the start is given up. */
  function startAll(count: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const giveUp = () => reject(stopping.reason)
      if (stopping.aborted) return giveUp()
      stopping.addEventListener('abort', giveUp, { once: true })
      const onServing = () => {
        if (serving.size === count) resolve()
      }
      // Before all have served once, nothing has begun that must go on; afterwards it has no effect.
      const onEnded = () => reject(new Error('a worker ended while the node was starting; its log lines say why'))
      for (let each = 0; each < count; each++) keepOne({ onServing, onEnded })
    })
  }

  return {
    closingMs: DRAIN_MS + 500,

    async open({ HOST, API_PORT, AUTH_PORT, WORKERS }) {
      await startAll(WORKERS)
      const api = await handover.listen('api', HOST, API_PORT)
      return { api, auth: await handover.listen('auth', HOST, AUTH_PORT) }
    },

    tellNews: tellAll,

    rotateNonceSecrets(secrets) {
      const nonceSecrets = secrets.map((secret) => secret.reveal())
      boot = { ...boot, nonceSecrets }
      for (const worker of running) worker.tell({ kind: 'nonceSecrets', nonceSecrets })
    },

    beUnready() {
      unready = true
      for (const worker of serving) worker.tell({ kind: 'unready' })
    },

    async close() {
      closing = true
      handover.close()
      for (const timer of restarts) clearTimeout(timer)
      const all = [...running]
      for (const worker of all) worker.tell({ kind: 'stop' })
      const late = setTimeout(() => {
        for (const worker of running) worker.kill()
      }, DRAIN_MS)
      await Promise.all(all.map((worker) => worker.ended))
      clearTimeout(late)
    },
  }
}
