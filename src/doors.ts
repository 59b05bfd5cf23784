import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { type Config, ConfigError } from './config.js'
import { followConnections } from './http-connections.js'
import { findListenFaults } from './listen-faults.js'
import type { BoundSipAddresses, SipServer } from './sip/server.js'
import { withinTime } from './time-limit.js'

/** Addresses that were bound: base URLs of the HTTP doors, `host:port` of the SIP ones that are on. */
export type Bound = BoundSipAddresses & { readonly api: string; readonly auth: string }

/** The two HTTP servers. */
export type HttpServers = { readonly api: FastifyInstance; readonly lookup: FastifyInstance }

/** The HTTP servers, here or in other processes, as one thing that opens and closes. */
export type HttpDoor = {
  /** Rejects where one of the ports cannot be bound. */
  open(config: Config): Promise<Pick<Bound, 'api' | 'auth'>>
  /** Takes nothing new, answers what was asked, for a time; also where it is not or only half open. */
  close(): Promise<void>
  /** How long closing may take, in ms. */
  readonly closingMs: number
}

/** Takes a connection to the management (`api`) or lookup API (`auth`) that another process accepted; false: no more. */
export type Take = (door: 'api' | 'auth', socket: Socket) => boolean

/** The HTTP servers of this process. */
export type LocalHttpDoor = HttpDoor & {
  /** Instead of `open`: serves connections that another process accepts. */
  adopt(): Promise<Take>
}

/** All doors as one thing that opens and closes. */
export type Doors = {
  /**
   * Opens every door, or none. Rejects with a `ConfigError` that names every port that cannot be bound, once all doors
   * are closed again.
   */
  open(config: Config): Promise<Bound>
  /**
   * Takes nothing new at any door, and resolves when what was being answered is; cuts it off where that takes more than
   * four seconds. Rejects where a door is not closed in its time: what stands behind the doors must be closed too.
   */
  close(): Promise<void>
}

/** How often connections that have fallen idle meanwhile are ended. */
const IDLE_CHECK_MS = 20
/** How long requests that are being answered at an HTTP door may take, in ms; native SIP has the same bound. */
const ANSWERS_MS = 4_000
/** How long closing doors of this process may take, in ms. */
const CLOSING_MS = 5_000

/** Takes servers that do not listen yet, and another time than `ANSWERS_MS`. */
export function createHttpDoor({ api, lookup }: HttpServers, answersMs = ANSWERS_MS): LocalHttpDoor {
  const connections = followConnections([api.server, lookup.server])
  const servers = { api: api.server, auth: lookup.server }
  let closing = false

  return {
    closingMs: CLOSING_MS,
    async open({ HOST: host, API_PORT, AUTH_PORT }) {
      const opened = await Promise.allSettled([
        api.listen({ host, port: API_PORT }),
        lookup.listen({ host, port: AUTH_PORT }),
      ])
      const [apiUrl, authUrl] = opened
      if (apiUrl.status === 'fulfilled' && authUrl.status === 'fulfilled') {
        return { api: apiUrl.value, auth: authUrl.value }
      }
      throw firstReason(opened)
    },
    async adopt() {
      await Promise.all([api.ready(), lookup.ready()])
      // Without it node:http would watch over no time limit (headersTimeout, requestTimeout).
      for (const server of Object.values(servers)) server.emit('listening')
      return (door, socket) => {
        if (closing) return false
        // As with those that the server accepts itself, which is told when a client ends its side.
        socket.allowHalfOpen = true
        return servers[door].emit('connection', socket)
      }
    },
    async close() {
      closing = true
      // A connection that a client keeps open after its last answer, or has said nothing on yet, would hold the server up.
      connections.endIdle()
      const idle = setInterval(() => connections.endIdle(), IDLE_CHECK_MS)
      const late = setTimeout(() => connections.endAll(), answersMs)
      try {
        // Those that were adopted are none of the servers' own.
        await Promise.all([api.close(), lookup.close()]).then(() => connections.allEnded())
      } finally {
        clearInterval(idle)
        clearTimeout(late)
      }
    },
  }
}

/** Takes doors that are not open yet, and another time for closing them than the HTTP doors name. */
export function createDoors(deps: { readonly http: HttpDoor; readonly sip: SipServer }, closeWithinMs?: number): Doors {
  const { http, sip } = deps
  const closingMs = closeWithinMs ?? http.closingMs
  const close = () => withinTime(closingMs, Promise.all([http.close(), sip.close()])).then(() => undefined)

  return {
    async open(config) {
      const { HOST: host, SIP_TLS_CERT: cert, SIP_TLS_KEY: key } = config
      const tls = cert !== undefined && key !== undefined ? { cert, key } : undefined
      const opened = await Promise.allSettled([
        http.open(config),
        sip.listen({ host, port: config.SIP_PORT, tlsPort: config.SIP_TLS_PORT, wsPort: config.SIP_WS_PORT, tls }),
      ])
      const [httpBound, sipBound] = opened
      if (httpBound.status === 'fulfilled' && sipBound.status === 'fulfilled') {
        return { ...httpBound.value, ...sipBound.value }
      }
      await close()
      const faults = await findListenFaults(config)
      if (faults.length > 0) throw new ConfigError(faults)
      throw firstReason(opened)
    },
    close,
  }
}

function firstReason(settled: readonly PromiseSettledResult<unknown>[]): unknown {
  return settled.find((one) => one.status === 'rejected')?.reason
}

/** The line by which others know that the program serves; its form is a promise. */
export function readyLine({ api, auth, sip, sips, ws }: Bound): string {
  return [
    `ready api=${api} auth=${auth} sip=${sip ?? 'off'}`,
    ...(sips ? [`sips=${sips}`] : []),
    ...(ws ? [`ws=${ws}`] : []),
  ].join(' ')
}
