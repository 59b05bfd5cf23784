import type { Log } from '../log.js'

/** Told by SIGTERM or SIGINT to stop; a second one ends the process at once, or a delay of the stop. */
export type StopSignals = {
  /** Aborted by the first. */
  readonly stopping: AbortSignal
  /** Resolves with the first. */
  readonly stopped: Promise<void>
  /** Resolves after so many ms, or with the next signal, which then ends nothing else. */
  delay(ms: number): Promise<void>
}

/** Listens from now on: a signal that comes while everything is still starting counts too. */
export function awaitStopSignals(log: Log): StopSignals {
  const controller = new AbortController()
  let hasten: (() => void) | undefined
  const stopped = new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => {
        if (hasten) {
          log.info({ signal }, 'stopping without further delay')
          return hasten()
        }
        if (controller.signal.aborted) process.exit(1)
        log.info({ signal }, 'stopping')
        controller.abort()
        resolve()
      })
    }
  })

  function delay(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        hasten = undefined
        clearTimeout(timer)
        resolve()
      }
      const timer = setTimeout(end, ms)
      hasten = end
    })
  }
  return { stopping: controller.signal, stopped, delay }
}
