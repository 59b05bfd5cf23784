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
  await Promise.all([api.close(), lookup.close(), sip.close()])
  const faults = await findListenFaults(config)
  if (faults.length > 0) throw new ConfigError(faults)
  throw opened.find((one) => one.status === 'rejected')?.reason
}

/** The line by which others know that the program serves; its form is a promise. */
export function readyLine({ api, auth, sip, sips, ws }: Bound): string {
  return [
    `ready api=${api} auth=${auth} sip=${sip ?? 'off'}`,
    ...(sips ? [`sips=${sips}`] : []),
    ...(ws ? [`ws=${ws}`] : []),
  ].join(' ')
}
