import type { Redis, RedisOptions } from 'ioredis'
import type { Log } from '../log.js'
import { keepReconnecting } from './reconnect.js'
import { readRunId } from './run-id.js'

/** Where Redis publishes invalidations to a RESP2 connection. */
export const CHANNEL = '__redis__:invalidate'

/** How often the listener asks whether it still hears. */
const PING_MS = 100
/** What was heard by the time of a ping that was answered counts for so long. */
const FRESH_MS = 400
/** A connection on which nothing is answered for so long is given up. */
const ANSWER_MS = 2_000
const RETRY_MS = 250

const OPTIONS = {
  protocol: 2,
  lazyConnect: false,
  readOnly: false,
  autoResubscribe: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  enableOfflineQueue: false,
  commandTimeout: ANSWER_MS,
  retryStrategy: (attempt: number) => Math.min(50 * attempt, 1_000),
  connectionName: 'sipauthd-near',
} as const satisfies RedisOptions

/** The listener's own connection, and that of the lookups. */
type Side = 'own' | 'server'

/** What a listener is told to do with what it hears. */
export type Hearer = {
  onChange(key: string): void
  /** All keys were deleted. */
  onFlush(): void
  /** It cannot hear: anything may change from now on. */
  onLoss(): void
  /** Redis does not let this user listen. */
  onRefusal(error: Error): void
  /** `freshUntilMs` has changed. */
  onFresh(): void
}

/** Hears of changes on one server. */
export type ChangeListener = {
  /** Every change up to less than half a second before this time has been told; 0 while it does not hear. */
  readonly freshUntilMs: number
  close(): void
}

/**
 * Listens on a connection of its own to the server that `server` is connected to: Redis's client side caching in its
 * broadcasting mode, redirected to the connection that asks for it, so that there is no second one whose loss nobody
 * would notice. That both connections lead to the same run of the same server is asked, not assumed: behind a Sentinel
 * or a balancer they may not. `now` is in ms and never goes back.
 */
export function listenForChanges(deps: {
  readonly server: Redis
  readonly prefixes: readonly string[]
  readonly hearer: Hearer
  readonly log: Log
  readonly now: () => number
}): ChangeListener {
  const { server, prefixes, hearer, log, now } = deps
  const connection = keepReconnecting(server.duplicate(OPTIONS))
  /** Runs of the servers that the two connections lead to, as far as they are known. */
  const runs: Record<Side, string | undefined> = { own: undefined, server: undefined }
  /** Counts the connections of each side: an answer that belongs to an earlier one tells nothing. */
  const eras: Record<Side, number> = { own: 0, server: 0 }
  let freshUntilMs = 0
  let pinging = false
  let closed = false

  const hears = () => !closed && runs.own !== undefined && runs.own === runs.server

  function renew(asOfMs: number): void {
    freshUntilMs = asOfMs + FRESH_MS
    hearer.onFresh()
  }

  function lose(side: Side): void {
    runs[side] = undefined
    eras[side]++
    freshUntilMs = 0
    hearer.onLoss()
  }

  function settle(): void {
    if (closed || runs.own === undefined || runs.server === undefined) return
    if (!hears()) {
      log.debug('the listener for changes has reached another server than the lookups; it tries again')
      again('own', () => connection.disconnect(true))
    } else if (freshUntilMs === 0) renew(now())
  }

  function again(side: Side, work: () => unknown): void {
    const mine = eras[side]
    setTimeout(() => mine === eras[side] && !closed && work(), RETRY_MS).unref()
  }

  function noteRefusal(error: unknown): void {
    if (error instanceof Error && error.message.startsWith('NOPERM')) hearer.onRefusal(error)
  }

  async function arm(): Promise<void> {
    const mine = eras.own
    try {
      const [run, id] = await Promise.all([readRunId(connection), connection.client('ID')])
      const named = prefixes.flatMap((prefix) => ['PREFIX', prefix])
      await connection.call('CLIENT', 'TRACKING', 'ON', 'REDIRECT', String(id), 'BCAST', ...named)
      await connection.subscribe(CHANNEL)
      if (mine !== eras.own) return
      runs.own = run
      settle()
    } catch (error) {
      log.debug({ err: error }, 'changes in Redis cannot be listened for')
      noteRefusal(error)
      if (mine === eras.own) again('own', () => connection.disconnect(true))
    }
  }

  async function recognise(): Promise<void> {
    const mine = eras.server
    try {
      const run = await readRunId(server)
      if (mine !== eras.server || server.status !== 'ready') return
      runs.server = run
      settle()
    } catch (error) {
      log.debug({ err: error }, 'the run of the server is not known')
      noteRefusal(error)
      if (mine === eras.server && server.status === 'ready') again('server', recognise)
    }
  }

  async function ping(): Promise<void> {
    if (pinging || !hears()) return
    const [mine, sentMs] = [eras.own, now()]
    pinging = true
    try {
      await connection.ping()
      if (mine === eras.own && hears()) renew(sentMs)
    } catch (error) {
      log.debug({ err: error }, 'the listener for changes is not answered')
      if (mine === eras.own && !closed) connection.disconnect(true)
    } finally {
      pinging = false
    }
  }

  const onServerReady = () => void recognise()
  const onServerClose = () => lose('server')
  server.on('ready', onServerReady)
  server.on('close', onServerClose)
  connection.on('ready', () => void arm())
  connection.on('close', () => lose('own'))
  connection.on('error', (error) => log.debug({ err: error }, 'the connection for changes in Redis failed'))
  connection.on('messageBuffer', (_channel: Buffer, keys: readonly Buffer[] | null) => {
    if (keys === null) hearer.onFlush()
    else for (const key of keys) hearer.onChange(key.toString('latin1'))
  })
  if (server.status === 'ready' || server.status === 'wait') void recognise()
  const timer = setInterval(ping, PING_MS).unref()

  return {
    get freshUntilMs() {
      return freshUntilMs
    },
    close() {
      closed = true
      clearInterval(timer)
      server.off('ready', onServerReady)
      server.off('close', onServerClose)
      connection.disconnect()
    },
  }
}
