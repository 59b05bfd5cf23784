import type { Authenticator } from '../auth/authenticator.js'
import type { Log } from '../log.js'
import type { Metrics } from '../metrics.js'
import type { Bindings } from './bindings.js'
import { createConnections } from './connections.js'
import { createSipDoor } from './door.js'
import { LIMITS, type Limits } from './limits.js'
import type { Listener } from './listener.js'
import { createStreamListener } from './stream.js'
import { createUdpListener } from './udp.js'
import { createWebSocketListener } from './websocket.js'

/** What native SIP is built on. */
export type SipServerDeps = {
  readonly authenticator: Authenticator
  readonly bindings: Bindings
  /** SIP URI that an authenticated request is redirected to when the callee has no binding. */
  readonly nextHop: string | undefined
  readonly metrics: Pick<Metrics, 'bindingsFailed'>
  readonly log: Log
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** Other times and counts than those of LIMITS; sizes of messages are always its own. */
  readonly limits?: Limits
}

/** Where to listen; a port of 0 takes a free one, the same for UDP and TCP. */
export type SipAddresses = {
  readonly host: string
  /** UDP and TCP. */
  readonly port: number | 'off'
  readonly tlsPort: number | 'off'
  readonly wsPort: number | 'off'
  /** PEM texts of certificate chain and key; needed where `tlsPort` is not off. */
  readonly tls: { readonly cert: string; readonly key: string } | undefined
}

/** What was bound, each as `host:port`. */
export type BoundSipAddresses = { sip?: string; sips?: string; ws?: string }

export type SipServer = {
  /** Rejects with node's error (EADDRINUSE and others) once it has closed what it had opened. */
  listen(addresses: SipAddresses): Promise<BoundSipAddresses>
  /** Reads nothing new, lets what is being answered finish for a few seconds, then ends everything. */
  close(): Promise<void>
}

/** How often a free port is sought that UDP and TCP both have. */
const FREE_PORT_ATTEMPTS = 20

/** Native SIP over UDP, TCP, TLS and WebSocket: a registrar and a redirect server (RFC 3261 sections 8.3 and 10). */
export function createSipServer(deps: SipServerDeps): SipServer {
  const limits = deps.limits ?? LIMITS
  const door = createSipDoor({ ...deps, limits })
  const connections = createConnections(limits)
  const shared = { door, connections, limits }
  const listeners: Listener[] = []

  const open = async (listener: Listener, host: string, port: number): Promise<number> => {
    listeners.push(listener)
    return listener.listen(host, port)
  }

  /** TCP first, then UDP on the number that TCP got. */
  const openPair = async (host: string, port: number, attempt = 1): Promise<number> => {
    const tcp = createStreamListener(shared)
    const bound = await open(tcp, host, port)
    try {
      return await open(createUdpListener({ ...shared, host, log: deps.log }), host, bound)
    } catch (error) {
      const taken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE'
      if (port !== 0 || !taken || attempt === FREE_PORT_ATTEMPTS) throw error
      await closeAll(listeners.splice(-2))
      return openPair(host, port, attempt + 1)
    }
  }

  const openAll = async ({ host, port, tlsPort, wsPort, tls }: SipAddresses): Promise<BoundSipAddresses> => {
    const bound: BoundSipAddresses = {}
    const name = host.includes(':') ? `[${host}]` : host
    if (port !== 'off') bound.sip = `${name}:${await openPair(host, port)}`
    if (tlsPort !== 'off') {
      if (tls === undefined) throw new Error('SIP over TLS needs a certificate and a key')
      bound.sips = `${name}:${await open(createStreamListener({ ...shared, tls }), host, tlsPort)}`
    }
    if (wsPort !== 'off') bound.ws = `${name}:${await open(createWebSocketListener(shared), host, wsPort)}`
    return bound
  }

  const end = async (): Promise<void> => {
    door.destroy()
    await closeAll(listeners.splice(0))
    connections.destroy()
  }

  return {
    async listen(addresses) {
      try {
        return await openAll(addresses)
      } catch (error) {
        await end()
        throw error
      }
    },
    async close() {
      for (const listener of listeners) listener.stop()
      await door.drain()
      await end()
    },
  }
}

async function closeAll(listeners: readonly Listener[]): Promise<void> {
  await Promise.all(listeners.map((listener) => listener.close()))
}
