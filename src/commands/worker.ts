import { serveForPrimary } from '../worker.js'
import { linkToPrimary } from '../workers/primary-link.js'
import { type CommandContext, UsageError } from './command.js'
import { awaitStopSignals } from './stop-signals.js'

/**
 * `sipauthd worker`: one of the processes that `sipauthd serve` starts where WORKERS is above 1. It stops when the
 * primary tells it to or a signal does, and ends with the primary.
 */
export async function runWorker({ config, log, args }: CommandContext): Promise<number> {
  if (!process.send || args.length > 0) throw new UsageError('sipauthd worker is started by sipauthd serve (WORKERS)')
  // Nobody would give it connections any more, nor start another when it dies.
  process.on('disconnect', () => process.exit(0))
  if (!process.connected) return 0
  const link = linkToPrimary(process, log)
  const signals = awaitStopSignals(log)
  // The primary hears it too, and tells what is to be done.
  process.on('SIGHUP', () => undefined)
  const stopped = Promise.race([signals.stopped, link.stopped])
  const given = new AbortController()
  void stopped.then(() => given.abort())

  const starting = serveForPrimary(config, log, link, given.signal).catch((error: unknown) => {
    if (given.signal.aborted) return undefined
    throw error
  })
  const running = await Promise.race([starting, stopped])
  await stopped
  // A start that was under way ends by itself as soon as it can.
  await (running ?? (await starting))?.stop()
  return 0
}
