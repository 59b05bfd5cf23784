import { setTimeout as sleep } from 'node:timers/promises'
import { type Running, serve } from '../main.js'
import { warnOfUnknownVariables } from '../serve-config.js'
import { type CommandContext, UsageError } from './command.js'
import { awaitStopSignals } from './stop-signals.js'

/** How long a start that is told to stop may take to do so. */
const ABANDON_MS = 9_000

/**
 * `sipauthd serve`: runs until SIGTERM or SIGINT, and DRAIN_DELAY longer unless a second one comes; one more ends it at
 * once. SIGHUP reads nonce secrets again.
 */
export async function runServe({ config, log, args, print }: CommandContext): Promise<number> {
  if (args.length > 0) throw new UsageError('sipauthd serve takes no arguments: it is configured by variables')
  warnOfUnknownVariables(log)
  const { stopping, stopped, delay } = awaitStopSignals(log)
  // From the beginning: a SIGHUP that nobody listens to would end the process.
  let running: Running | undefined
  process.on('SIGHUP', () => running?.reload())

  const starting = serve(config, log, print, stopping).catch((error: unknown) => {
    if (stopping.aborted) return undefined
    throw error
  })
  running = await Promise.race([starting, stopped.then(() => sleep(ABANDON_MS, undefined))])
  if (!running) return 0
  await stopped
  if (config.DRAIN_DELAY > 0) {
    running.beUnready()
    await delay(config.DRAIN_DELAY * 1_000)
  }
  await running.stop()
  return 0
}
