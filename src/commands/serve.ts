import { serve } from '../main.js'
import { type CommandContext, UsageError } from './command.js'

/** `sipauthd serve`: runs until SIGTERM or SIGINT; a second one ends it at once. */
export async function runServe({ config, log, args, print }: CommandContext): Promise<number> {
  if (args.length > 0) throw new UsageError('sipauthd serve takes no arguments: it is configured by variables')
  const stopped = nextSignal()
  const running = await serve(config, log, print)
  process.on('SIGHUP', () => running.reload())
  const signal = await stopped
  log.info({ signal }, 'stopping')
  process.once('SIGTERM', () => process.exit(1)).once('SIGINT', () => process.exit(1))
  await running.stop()
  return 0
}

/** Listens from the beginning: a signal that comes while everything is still starting counts too. */
function nextSignal(): Promise<string> {
  return new Promise((resolve) => {
    process.once('SIGTERM', resolve)
    process.once('SIGINT', resolve)
  })
}
