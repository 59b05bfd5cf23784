import { EventEmitter, once } from 'node:events'
import type { Log } from '../log.js'
import type { Boot, Snapshot, ToPrimary, ToWorker } from './protocol.js'
import { createQuestions } from './questions.js'

/** How long the metrics of the whole node may take, in ms: longer than any worker may. */
const SCRAPE_MS = 3_000

/** A worker's line to the primary. */
export type PrimaryLink = {
  /** What to begin with. */
  readonly boot: Promise<Boot>
  /** Says that the doors could be opened, and resolves with the ports once all workers can; rejects once `signal` is aborted. */
  build(signal: AbortSignal): Promise<{ readonly apiPort: number; readonly authPort: number }>
  opened(bound: { readonly api: string; readonly auth: string }): void
  /** The metrics of the whole node as text. */
  scrape(): Promise<string>
  /** Resolves when the primary stops. */
  readonly stopped: Promise<void>
  /** Who takes other nonce secrets, newest first, from now on; those that came before, at once. */
  followNonceSecrets(take: (secrets: readonly string[]) => void): void
  /** Who tells this process's metrics. */
  answerMeasures(measure: () => Promise<Snapshot>): void
}

type Told = { readonly [Kind in ToWorker['kind']]: [Extract<ToWorker, { readonly kind: Kind }>] }

/** Takes up the line of a process that has one. */
export function linkToPrimary(channel: NodeJS.Process, log: Log): PrimaryLink {
  const told = new EventEmitter<Told>()
  const boot = once(told, 'begin').then(([{ boot }]) => boot as Boot)
  const stopped = once(told, 'stop').then(() => undefined)
  const scrapes = createQuestions<string>(SCRAPE_MS)
  /** Newer than those to begin with, where they have changed since. */
  let nonceSecrets: readonly string[] | undefined

  /** A primary that is gone is no fault: this process ends with it. */
  function tell(message: ToPrimary): void {
    channel.send?.(message, (error: Error | null) => {
      if (error) log.debug({ err: error }, 'the primary could not be told')
    })
  }

  told.on('scraped', ({ id, text }) => scrapes.answer(id, text))
  told.on('nonceSecrets', (changed) => {
    nonceSecrets = changed.nonceSecrets
  })
  channel.on('message', (message: ToWorker) => told.emit(message.kind, message as never))
  tell({ kind: 'started' })
  return {
    boot,
    stopped,
    async build(signal) {
      const ports = once(told, 'open', { signal })
      tell({ kind: 'built' })
      const [{ apiPort, authPort }] = await ports
      return { apiPort, authPort }
    },
    opened: (bound) => tell({ kind: 'opened', ...bound }),
    scrape: () => scrapes.ask((id) => tell({ kind: 'scrape', id })),
    followNonceSecrets(take) {
      if (nonceSecrets) take(nonceSecrets)
      told.on('nonceSecrets', (changed) => take(changed.nonceSecrets))
    },
    answerMeasures(measure) {
      told.on('measure', async ({ id }) => {
        try {
          tell({ kind: 'measured', id, metrics: await measure() })
        } catch (error) {
          log.error({ err: error }, 'the metrics of this worker could not be read')
        }
      })
    },
  }
}
