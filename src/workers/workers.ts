import type { Config } from '../config.js'
import type { HttpDoor } from '../doors.js'
import type { Log } from '../log.js'
import type { Metrics } from '../metrics.js'
import type { Secret } from '../secret.js'
import { fillInPorts } from './free-ports.js'
import { createNodeMetrics } from './node-metrics.js'
import type { Boot } from './protocol.js'
import { createRestartPauses } from './restart-pauses.js'
import { startWorker, type WorkerProcess } from './worker-process.js'

/** The processes that share the HTTP doors of a node. */
export type Workers = HttpDoor & {
  /** Puts other nonce secrets in force in all of them, newest first. */
  rotateNonceSecrets(secrets: readonly Secret[]): void
}

/** How long workers may take to drain before they are killed, in ms; they bound what they do themselves. */
const DRAIN_MS = 7_500

type Bound = Awaited<ReturnType<HttpDoor['open']>>

/** Starts the workers when it is opened, and from then on a new one for each that ends; `stopping` gives the start up. */
export function createWorkers(deps: {
  readonly config: Config
  readonly boot: Boot
  /** This process's; the node's are put together of them and the workers'. */
  readonly metrics: Metrics
  readonly stopping: AbortSignal
  readonly log: Log
}): Workers {
  const { stopping, log } = deps
  const count = deps.config.WORKERS
  let { boot } = deps
  /** All that run, built those that could open their doors, serving those that have. */
  const [running, built, serving] = [new Set<WorkerProcess>(), new Set<WorkerProcess>(), new Set<WorkerProcess>()]
  const nodeMetrics = createNodeMetrics({ registry: deps.metrics.registry, workers: () => serving })
  const restarts = new Set<NodeJS.Timeout>()
  let tellPorts: ((worker: WorkerProcess) => void) | undefined
  let closing = false

  /** Starts a worker, and a new one in its place whenever it ends. */
  function keepOne(start: Start, pauses = createRestartPauses()): void {
    const onStarted = (one: WorkerProcess) => one.tell({ kind: 'begin', boot })
    const worker = startWorker({ ...start, onStarted, scrape: nodeMetrics.scrape }, log)
    running.add(worker)
    const begun = performance.now()
    void worker.ended.then((ending) => {
      const hasServed = serving.delete(worker)
      running.delete(worker)
      built.delete(worker)
      if (hasServed) void nodeMetrics.keepCounts(worker)
      if (closing) return
      start.onEnded(worker)
      const pauseMs = pauses.next(performance.now() - begun)
      log.error({ worker: worker.pid, ...ending, pauseMs }, 'a worker has ended; another is started in its place')
      const timer = setTimeout(() => {
        restarts.delete(timer)
        keepOne(start, pauses)
      }, pauseMs)
      restarts.add(timer)
    })
  }

  return {
    closingMs: DRAIN_MS + 500,

    open(config) {
      return new Promise((resolve, reject) => {
        const giveUp = () => reject(stopping.reason)
        if (stopping.aborted) return giveUp()
        stopping.addEventListener('abort', giveUp, { once: true })
        const start: Start = {
          onBuilt(worker) {
            built.add(worker)
            if (tellPorts) tellPorts(worker)
            else if (built.size === count) void choosePorts(config).then(tellAll, reject)
          },
          onOpened(worker, bound) {
            serving.add(worker)
            if (serving.size === count) resolve(bound)
          },
          // Before all have served once, nothing has begun that must go on; afterwards this has no effect.
          onEnded: () => reject(new Error('a worker ended while the node was starting; its log lines say why')),
        }
        for (let each = 0; each < count; each++) keepOne(start)
      })
    },

    rotateNonceSecrets(secrets) {
      const nonceSecrets = secrets.map((secret) => secret.reveal())
      boot = { ...boot, nonceSecrets }
      for (const worker of running) worker.tell({ kind: 'nonceSecrets', nonceSecrets })
    },

    async close() {
      closing = true
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

  /** Only when all can open them at once: until then a free one may be taken by others. */
  async function choosePorts({ HOST, API_PORT, AUTH_PORT }: Config): Promise<(worker: WorkerProcess) => void> {
    const [apiPort = API_PORT, authPort = AUTH_PORT] = await fillInPorts(HOST, [API_PORT, AUTH_PORT])
    return (worker) => worker.tell({ kind: 'open', apiPort, authPort })
  }

  function tellAll(tell: (worker: WorkerProcess) => void): void {
    tellPorts = tell
    for (const worker of built) tell(worker)
  }
}

type Start = {
  onBuilt(worker: WorkerProcess): void
  onOpened(worker: WorkerProcess, bound: Bound): void
  onEnded(worker: WorkerProcess): void
}
