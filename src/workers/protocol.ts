import type { Registry } from 'prom-client'
import type { News } from '../siblings.js'

/**
 * What a worker cannot find out for itself, or must have as its siblings do. It travels in the clear, between the two
 * ends of a socket pair.
 */
export type Boot = {
  readonly masterAccountSid: string
  readonly masterAuthTokens: readonly string[]
  readonly proxyToken: string
  readonly ha1Token: string | undefined
  readonly nonceSecrets: readonly string[]
  readonly decoySecret: string
}

/** Metrics as prom-client hands them to other processes. */
export type Snapshot = Awaited<ReturnType<Registry['getMetricsAsJSON']>>

/** The HTTP doors, by the variable that has their port. */
export type DoorName = 'api' | 'auth'

/** What the primary tells a worker. */
export type ToWorker =
  | { readonly kind: 'begin'; readonly boot: Boot }
  /** Comes with a connection to be served at the door; `id` names it among those of this worker. */
  | { readonly kind: 'connection'; readonly id: number; readonly door: DoorName }
  | { readonly kind: 'nonceSecrets'; readonly nonceSecrets: readonly string[] }
  /** What another process of the node has changed; to be taken before anything else is. */
  | { readonly kind: 'news'; readonly id: number; readonly news: News }
  /** All others have taken its news, or do not answer. */
  | { readonly kind: 'told'; readonly id: number }
  /** What was told before has arrived, or never will: whoever answers lives. */
  | { readonly kind: 'call'; readonly id: number }
  | { readonly kind: 'measure'; readonly id: number }
  | { readonly kind: 'scraped'; readonly id: number; readonly text: string }
  /** It is about to be told to stop. */
  | { readonly kind: 'unready' }
  | { readonly kind: 'stop' }

/** What a worker tells the primary. */
export type ToPrimary =
  /** It listens to messages. */
  | { readonly kind: 'started' }
  /** It takes connections. */
  | { readonly kind: 'serving' }
  /** It takes none any more: it ends. */
  | { readonly kind: 'leaving' }
  /** The connection is its own now, or it came too late for it. */
  | { readonly kind: 'taken'; readonly id: number }
  | { readonly kind: 'refused'; readonly id: number }
  /** What it has changed itself. */
  | { readonly kind: 'news'; readonly id: number; readonly news: News }
  | { readonly kind: 'heard'; readonly id: number }
  /** The answer to a call. */
  | { readonly kind: 'here'; readonly id: number }
  | { readonly kind: 'scrape'; readonly id: number }
  | { readonly kind: 'measured'; readonly id: number; readonly metrics: Snapshot }

/** What to do with each kind of message. */
export type Handlers<Message extends { readonly kind: string }> = {
  readonly [Kind in Message['kind']]: (message: Extract<Message, { readonly kind: Kind }>) => void
}

/** Hands a message to its handler. */
export function dispatch<Message extends { readonly kind: string }>(handlers: Handlers<Message>, message: Message) {
  const handle = handlers[message.kind as Message['kind']] as (message: Message) => void
  handle(message)
}
