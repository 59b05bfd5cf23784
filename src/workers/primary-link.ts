import { EventEmitter, once } from 'node:events'
import type { Socket } from 'node:net'
import type { Log } from '../log.js'
import type { News, Siblings } from '../siblings.js'
import type { Boot, DoorName, Snapshot, ToPrimary, ToWorker } from './protocol.js'
import { createQuestions } from './questions.js'

/** How long the metrics of the whole node may take, in ms: longer than any worker may. */
const SCRAPE_MS = 3_000

/** How long the other processes of a node may take to hear news, in ms: longer than the primary waits for any. */
const TELL_MS = 750

/** A worker's line to the primary, and so to the other processes of its node. */
export type PrimaryLink = Siblings & {
  /** What to begin with. */
  readonly boot: Promise<Boot>
  /** Asks for connections; `take` answers whether it takes one. */
  serve(take: (door: DoorName, socket: Socket) => boolean): void
  /** Asks for no more of them. */
  leave(): void
  /** The metrics of the whole node as text. */
  scrape(): Promise<string>
  /** Who is told that the primary is about to stop. */
  followUnready(beUnready: () => void): void
  /** Resolves when the primary stops. */
  readonly stopped: Promise<void>
  /** Who takes other nonce secrets, newest first, from now on; those that came before, at once. */
  followNonceSecrets(take: (secrets: readonly string[]) => void): void
  /** Who takes what other processes of the node have changed. */
  followNews(take: (news: News) => void): void
  /** Who tells this process's metrics. */
  answerMeasures(measure: () => Promise<Snapshot>): void
}

type Told = {
  readonly [Kind in ToWorker['kind']]: [message: Extract<ToWorker, { readonly kind: Kind }>, socket: Socket | undefined]
}

/** Takes up the line of a process that has one. */
export function linkToPrimary(channel: NodeJS.Process, log: Log): PrimaryLink {
  const told = new EventEmitter<Told>()
  const boot = once(told, 'begin').then(([{ boot }]) => boot as Boot)
  const stopped = once(told, 'stop').then(() => undefined)
  const tellings = createQuestions<void>(TELL_MS)
  const scrapes = createQuestions<string>(SCRAPE_MS)
  /** Newer than those to begin with, where they have changed since. */
  let nonceSecrets: readonly string[] | undefined

  /** A primary that is gone is no fault: this process ends with it. */
  function tell(message: ToPrimary): void {
    channel.send?.(message, (error: Error | null) => {
      if (error) log.debug({ err: error }, 'the primary could not be told')
    })
  }

  told.on('told', ({ id }) => tellings.answer(id))
  told.on('call', ({ id }) => tell({ kind: 'here', id }))
  told.on('scraped', ({ id, text }) => scrapes.answer(id, text))
  told.on('nonceSecrets', (changed) => {
    nonceSecrets = changed.nonceSecrets
  })
  channel.on('message', (message: ToWorker, socket?: Socket) => told.emit(message.kind, message as never, socket))
  tell({ kind: 'started' })
  return {
    boot,
    stopped,
    serve(take) {
      told.on('connection', ({ id, door }, socket) => {
        // Where its peer was faster, there is none to take.
        tell({ kind: socket === undefined || take(door, socket) ? 'taken' : 'refused', id })
      })
      tell({ kind: 'serving' })
    },
    leave: () => tell({ kind: 'leaving' }),
    scrape: () => scrapes.ask((id) => tell({ kind: 'scrape', id })),
    followNonceSecrets(take) {
      if (nonceSecrets) take(nonceSecrets)
      told.on('nonceSecrets', (changed) => take(changed.nonceSecrets))
    },
    followUnready(beUnready) {
      told.on('unready', beUnready)
    },
    async tellNews(news) {
      try {
        await tellings.ask((id) => tell({ kind: 'news', id, news }))
      } catch (error) {
        log.debug({ err: error }, 'the other processes of the node could not be told of a change in time')
      }
    },
    followNews(take) {
      told.on('news', ({ id, news }) => {
        take(news)
        tell({ kind: 'heard', id })
      })
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
