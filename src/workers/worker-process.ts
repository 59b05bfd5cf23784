import { fork } from 'node:child_process'
import type { Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { Log } from '../log.js'
import type { News, Siblings } from '../siblings.js'
import { type DoorName, dispatch, type Snapshot, type ToPrimary, type ToWorker } from './protocol.js'
import { createQuestions } from './questions.js'
import { followUnderWay } from './under-way.js'

/** How long a worker may take to tell its metrics, in ms. */
const MEASURE_MS = 1_000
/** How long a worker may take to hear news, in ms: what is near counts for less, whatever it is busy with. */
const HEAR_MS = 500
/** How long a worker may say nothing about a connection before it is called, and then until it answers, in ms. */
const SILENCE_MS = 2_000
const CALL_MS = 5_000
const PROGRAM = fileURLToPath(new URL('../cli.js', import.meta.url))

/** How a process ended: exit code, or the signal that ended it. */
export type Ending = { readonly code: number | null; readonly signal: string | null }

/** A worker as the primary sees it. */
export type WorkerProcess = Siblings & {
  readonly pid: number | undefined
  tell(message: ToWorker): void
  /** Hands a connection over that nothing was read of. */
  give(door: DoorName, socket: Socket): void
  /** Its metrics; rejects where they do not come in time. */
  measure(): Promise<Snapshot>
  kill(): void
  /** Resolves when the process is gone. */
  readonly ended: Promise<Ending>
}

/** What a worker's messages lead to. */
export type WorkerEvents = {
  onStarted(worker: WorkerProcess): void
  onServing(worker: WorkerProcess): void
  /** It takes no connections any more, or is gone. */
  onLeaving(worker: WorkerProcess): void
  /** It has changed something; resolves when the other processes have heard of it. */
  onNews(worker: WorkerProcess, news: News): Promise<void>
  /** It says nothing: for now nothing should be given to it. It is back, or it ends. */
  onSilent(worker: WorkerProcess): void
  onBack(worker: WorkerProcess): void
  /** A connection comes back: the worker did not take it, or was gone before it could. */
  onReturned(door: DoorName, socket: Socket): void
  /** It was asked for the metrics of the whole node. */
  scrape(): Promise<string>
}

/** Starts `sipauthd worker`, with this process's environment and output. */
export function startWorker(events: WorkerEvents, log: Log): WorkerProcess {
  const child = fork(PROGRAM, ['worker'])
  const hearings = createQuestions<void>(HEAR_MS)
  const snapshots = createQuestions<Snapshot>(MEASURE_MS)
  const calls = createQuestions<void>(CALL_MS)
  let leaving = false

  /** A worker that cannot be told is at its end, which is heard of. */
  function onTold(error: Error | null): void {
    if (error) log.debug({ err: error, worker: child.pid }, 'a worker could not be told')
  }

  const worker: WorkerProcess = {
    pid: child.pid,
    tell(message) {
      if (child.connected) child.send(message, onTold)
    },
    give(door, socket) {
      const id = underWay.add({ door, socket })
      const message: ToWorker = { kind: 'connection', id, door }
      if (child.connected) child.send(message, socket, { keepOpen: true }, onTold)
    },
    async tellNews(news) {
      if (!child.connected) return
      try {
        await hearings.ask((id) => worker.tell({ kind: 'news', id, news }))
      } catch (error) {
        log.debug({ err: error, worker: child.pid }, 'a worker has not heard of a change in time')
      }
    },
    measure: () => snapshots.ask((id) => worker.tell({ kind: 'measure', id })),
    kill: () => void child.kill('SIGKILL'),
    ended: new Promise((resolve) => {
      child.on('exit', (code, signal) => resolve({ code, signal }))
      child.on('error', (error) => {
        log.error({ err: error, worker: child.pid }, 'a worker could not be started')
        // What could not even be started has no exit.
        if (child.pid === undefined) resolve({ code: null, signal: null })
      })
    }),
  }

  const underWay = followUnderWay({
    silenceMs: SILENCE_MS,
    call: () => calls.ask((id) => worker.tell({ kind: 'call', id })),
    onSilent: () => events.onSilent(worker),
    onHeard(lost) {
      if (!leaving) events.onBack(worker)
      if (lost.length > 0) log.warn({ worker: child.pid, lost: lost.length }, 'a worker did not get all connections')
      for (const { door, socket } of lost) events.onReturned(door, socket)
    },
    onDead() {
      log.error({ worker: child.pid }, 'a worker is stuck, and is killed')
      worker.kill()
    },
  })

  /** Before connections come back: none of them may be given to it again. */
  function leave(): void {
    leaving = true
    events.onLeaving(worker)
  }

  function returnConnection(id: number): void {
    const connection = underWay.take(id)
    if (connection) events.onReturned(connection.door, connection.socket)
  }

  async function passOn(id: number, news: News): Promise<void> {
    await events.onNews(worker, news)
    worker.tell({ kind: 'told', id })
  }

  async function answerScrape(id: number): Promise<void> {
    try {
      worker.tell({ kind: 'scraped', id, text: await events.scrape() })
    } catch (error) {
      log.error({ err: error }, 'the metrics of the workers could not be put together')
    }
  }

  child.on('message', (message: ToPrimary) =>
    dispatch<ToPrimary>(
      {
        started: () => events.onStarted(worker),
        serving: () => events.onServing(worker),
        leaving: leave,
        // This process's end of it is only a second handle; the connection stays.
        taken: ({ id }) => underWay.take(id)?.socket.destroy(),
        refused: ({ id }) => returnConnection(id),
        here: ({ id }) => calls.answer(id),
        measured: ({ id, metrics }) => snapshots.answer(id, metrics),
        news: ({ id, news }) => void passOn(id, news),
        heard: ({ id }) => hearings.answer(id),
        scrape: ({ id }) => void answerScrape(id),
      },
      message,
    ),
  )
  void worker.ended.then(() => {
    leave()
    for (const { door, socket } of underWay.takeAll()) events.onReturned(door, socket)
  })
  return worker
}
