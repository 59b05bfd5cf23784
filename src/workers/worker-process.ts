import cluster from 'node:cluster'
import type { Log } from '../log.js'
import { dispatch, type Snapshot, type ToPrimary, type ToWorker } from './protocol.js'
import { createQuestions } from './questions.js'

/** How long a worker may take to tell its metrics, in ms. */
const MEASURE_MS = 1_000

/** How a process ended: exit code, or the signal that ended it. */
export type Ending = { readonly code: number | null; readonly signal: string | null }

/** A worker as the primary sees it. */
export type WorkerProcess = {
  readonly pid: number | undefined
  tell(message: ToWorker): void
  /** Its metrics; rejects where they do not come in time. */
  measure(): Promise<Snapshot>
  kill(): void
  /** Resolves when the process is gone. */
  readonly ended: Promise<Ending>
}

/** What a worker's messages lead to. */
export type WorkerEvents = {
  onStarted(worker: WorkerProcess): void
  onBuilt(worker: WorkerProcess): void
  onOpened(worker: WorkerProcess, bound: { readonly api: string; readonly auth: string }): void
  /** It was asked for the metrics of the whole node. */
  scrape(): Promise<string>
}

/** Starts `sipauthd worker`, with this process's environment and output. */
export function startWorker(events: WorkerEvents, log: Log): WorkerProcess {
  cluster.setupPrimary({ args: ['worker'] })
  const forked = cluster.fork()
  const snapshots = createQuestions<Snapshot>(MEASURE_MS)

  const worker: WorkerProcess = {
    pid: forked.process.pid,
    tell(message) {
      if (!forked.isConnected()) return
      forked.send(message, (error) => {
        if (error) log.debug({ err: error, worker: forked.process.pid }, 'a worker could not be told')
      })
    },
    measure: () => snapshots.ask((id) => worker.tell({ kind: 'measure', id })),
    kill: () => void forked.process.kill('SIGKILL'),
    ended: new Promise((resolve) => {
      forked.on('exit', (code, signal) => resolve({ code, signal }))
      // What could not even be started has no exit.
      forked.on('error', (error) => {
        log.error({ err: error, worker: forked.process.pid }, 'a worker could not be started or told')
        if (forked.process.pid === undefined) resolve({ code: null, signal: null })
      })
    }),
  }

  async function answerScrape(id: number): Promise<void> {
    try {
      worker.tell({ kind: 'scraped', id, text: await events.scrape() })
    } catch (error) {
      log.error({ err: error }, 'the metrics of the workers could not be put together')
    }
  }

  forked.on('message', (message: ToPrimary) =>
    dispatch<ToPrimary>(
      {
        started: () => events.onStarted(worker),
        built: () => events.onBuilt(worker),
        opened: ({ api, auth }) => events.onOpened(worker, { api, auth }),
        measured: ({ id, metrics }) => snapshots.answer(id, metrics),
        scrape: ({ id }) => void answerScrape(id),
      },
      message,
    ),
  )
  return worker
}
