import type { FastifyInstance } from 'fastify'
import { type Config, ConfigError } from './config.js'
import { followConnections } from './http-connections.js'
import { findListenFaults } from './listen-faults.js'
import type { BoundSipAddresses, SipServer } from './sip/server.js'
import { withinTime } from './time-limit.js'

/** Addresses that were bound: base URLs of the HTTP doors, `host:port` of the SIP ones that are on. */
export type Bound = BoundSipAddresses & { readonly api: string; readonly auth: string }

/** Every server that takes requests. */
export type Servers = {
  readonly api: FastifyInstance
  readonly lookup: FastifyInstance
  readonly sip: SipServer
}

/** The servers as one thing that opens and closes. */
export type Doors = {
  /**
   * Opens every door, or none. Rejects with a `ConfigError` that names every port that cannot be bound, once all doors
   * are closed again.
   */
  open(config: Config): Promise<Bound>
  /**
   * Takes nothing new at any door, and resolves when what was being answered is; cuts it off where that takes more than
   * four seconds. Rejects where a door is not closed a second later: what stands behind the doors must be closed too.
   */
  close(): Promise<void>
}

/** How often connections that have fallen idle meanwhile are ended. */
const IDLE_CHECK_MS = 20
/** How long closing may take, in milliseconds. */
const CLOSING = {
  /** Requests that are being answered at an HTTP door; native SIP has the same bound. */
  answersMs: 4_000,
  /** Everything. */
  allMs: 5_000,
}

/** Takes servers that do not listen yet, and other times than those of `CLOSING`. */
export function createDoors({ api, lookup, sip }: Servers, closing = CLOSING): Doors {
  const connections = followConnections([api.server, lookup.server])

  async function close(): Promise<void> {
    // A connection that a client keeps open after its last answer, or has said nothing on yet, would hold the server up.
    connections.endIdle()
    const idle = setInterval(() => connections.endIdle(), IDLE_CHECK_MS)
    const late = setTimeout(() => connections.endAll(), closing.answersMs)
    try {
      await withinTime(closing.allMs, Promise.all([api.close(), lookup.close(), sip.close()]))
    } finally {
      clearInterval(idle)
      clearTimeout(late)
    }
  }

  return {
    async open(config) {
      const { HOST: host, SIP_TLS_CERT: cert, SIP_TLS_KEY: key } = config
      const tls = cert !== undefined && key !== undefined ? { cert, key } : undefined
      const opened = await Promise.allSettled([
        api.listen({ host, port: config.API_PORT }),
        lookup.listen({ host, port: config.AUTH_PORT }),
        sip.listen({ host, port: config.SIP_PORT, tlsPort: config.SIP_TLS_PORT, wsPort: config.SIP_WS_PORT, tls }),
      ])
      const [apiUrl, authUrl, sipBound] = opened
      if (apiUrl.status === 'fulfilled' && authUrl.status === 'fulfilled' && sipBound.status === 'fulfilled') {
        return { api: apiUrl.value, auth: authUrl.value, ...sipBound.value }
      }
      await close()
      const faults = await findListenFaults(config)
      if (faults.length > 0) throw new ConfigError(faults)
      throw opened.find((one) => one.status === 'rejected')?.reason
    },
    close,
  }
}

/** The line by which others know that the program serves; its form is a promise. */
export function readyLine({ api, auth, sip, sips, ws }: Bound): string {
  return [
    `ready api=${api} auth=${auth} sip=${sip ?? 'off'}`,
    ...(sips ? [`sips=${sips}`] : []),
    ...(ws ? [`ws=${ws}`] : []),
  ].join(' ')
}
