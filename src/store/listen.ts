import { Socket } from 'node:net'
import pg from 'pg'
import type { Log } from '../log.js'
import type { Listener } from './database.js'

const RETRY_MS = 250
/**
 * How often a connection is asked whether it is still there. From one beat to the next it has to say so, or it does not
 * count as connected until it does; after the longer time it is made anew.
 */
const BEAT_MS = 500
const BEAT_TIMEOUT_MS = 2_000

/**
 * Keeps one connection on LISTEN, for as long as it takes; every reconnect is a loss, since NOTIFY is not kept. A
 * connection whose other end went away without a word is found by its missing heartbeat.
 */
export async function listenOn(deps: {
  readonly settings: pg.ClientConfig
  readonly channel: string
  readonly onNotify: (payload: string) => void
  readonly onLost: () => void
  readonly log: Log
}): Promise<Listener> {
  const { settings, channel, onNotify, onLost, log } = deps
  let current: { readonly client: pg.Client; readonly heart: Heart } | undefined
  let closed = false
  let timer: NodeJS.Timeout | undefined

  async function connect(): Promise<void> {
    const socket = new Socket()
    const client = new pg.Client({ ...settings, query_timeout: BEAT_TIMEOUT_MS, stream: () => socket })
    client.on('error', (error) => log.warn({ err: error }, 'the LISTEN connection broke'))
    client.on('notification', (message) => onNotify(message.payload ?? ''))
    try {
      await client.connect()
      await client.query(`listen ${pg.escapeIdentifier(channel)}`)
    } catch (error) {
      socket.destroy()
      throw error
    }
    const heart = beat(client, socket)
    current = { client, heart }
    client.on('end', () => {
      heart.stop()
      current = undefined
      retry()
    })
    // Closed while it was connecting.
    if (closed) await client.end()
  }

  function retry(): void {
    if (closed) return
    timer = setTimeout(async () => {
      try {
        await connect()
        onLost()
      } catch (error) {
        log.debug({ err: error }, 'LISTEN cannot reconnect yet')
        retry()
      }
    }, RETRY_MS)
  }

  await connect()
  return {
    get connected() {
      return current !== undefined && !current.heart.late
    },
    async close() {
      closed = true
      clearTimeout(timer)
      current?.heart.stop()
      await current?.client.end()
    },
  }
}

type Heart = {
  /** Whether an answer is overdue. Notifications come in order with answers, so that none is missed by then. */
  readonly late: boolean
  stop(): void
}

function beat(client: pg.Client, socket: Socket): Heart {
  let waiting = false
  let late = false
  const interval = setInterval(() => {
    if (waiting) late = true
    if (waiting) return
    waiting = true
    client.query('select 1').then(
      () => {
        waiting = false
        late = false
      },
      () => socket.destroy(),
    )
  }, BEAT_MS)
  return {
    get late() {
      return late
    },
    stop: () => clearInterval(interval),
  }
}
