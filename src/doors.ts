import type { FastifyInstance } from 'fastify'
import { type Config, ConfigError } from './config.js'
import { findListenFaults } from './listen-faults.js'
import type { BoundSipAddresses, SipServer } from './sip/server.js'

/** Addresses that were bound: base URLs of the HTTP doors, `host:port` of the SIP ones that are on. */
export type Bound = BoundSipAddresses & { readonly api: string; readonly auth: string }

/** Every server that takes requests. */
export type Doors = {
  readonly api: FastifyInstance
  readonly lookup: FastifyInstance
  readonly sip: SipServer
}

/**
 * Opens every door, or none. Rejects with a `ConfigError` that names every port that cannot be bound, once all doors
 * are closed again.
 */
export async function openDoors(config: Config, { api, lookup, sip }: Doors): Promise<Bound> {
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
  await closeDoors({ api, lookup, sip })
  const faults = await findListenFaults(config)
  if (faults.length > 0) throw new ConfigError(faults)
  throw opened.find((one) => one.status === 'rejected')?.reason
}

const IDLE_CHECK_MS = 20

/** Takes nothing new at any door, and resolves when what was being answered is. */
export async function closeDoors({ api, lookup, sip }: Doors): Promise<void> {
  // A connection that a client keeps open after its last answer would hold the server up: Node closes those alone that
  // are idle at the beginning.
  const timer = setInterval(() => {
    for (const { server } of [api, lookup]) server.closeIdleConnections()
  }, IDLE_CHECK_MS)
  try {
    await Promise.all([api.close(), lookup.close(), sip.close()])
  } finally {
    clearInterval(timer)
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
