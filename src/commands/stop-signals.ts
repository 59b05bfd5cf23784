import type { Log } from '../log.js'

/** Told by SIGTERM or SIGINT to stop; a second one ends the process at once. */
export type StopSignals = {
  /** Aborted by the first. */
  readonly stopping: AbortSignal
  /** Resolves with the first. */
  readonly stopped: Promise<void>
}

/** Listens from now on: a signal that comes while everything is still starting counts too. */
export function awaitStopSignals(log: Log): StopSignals {
  const controller = new AbortController()
  const stopped = new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => {
        if (controller.signal.aborted) process.exit(1)
        log.info({ signal }, 'stopping')
        controller.abort()
        resolve()
      })
    }
  })
  return { stopping: controller.signal, stopped }
}
