import type { FastifyInstance } from 'fastify'
import { type Config, ConfigError } from './config.js'
import type { BoundSipAddresses, SipServer } from './sip/server.js'

/** Addresses that were bound: base URLs of the HTTP doors, `host:port` of the SIP ones that are on. */
export type Bound = BoundSipAddresses & { readonly api: string; readonly auth: string }

/** Every server that takes requests. */
export type Doors = {
  readonly api: FastifyInstance
  readonly lookup: FastifyInstance
  readonly sip: SipServer
}

/** Opens every door, or none: rejects with a `ConfigError` that tells the faults of all at once. */
export async function openDoors(config: Config, { api, lookup, sip }: Doors): Promise<Bound> {
  const { HOST: host, SIP_TLS_CERT: cert, SIP_TLS_KEY: key } = config
  const tls = cert !== undefined && key !== undefined ? { cert, key } : undefined
  const [apiUrl, authUrl, sipBound] = await Promise.allSettled([
    api.listen({ host, port: config.API_PORT }),
    lookup.listen({ host, port: config.AUTH_PORT }),
    sip.listen({ host, port: config.SIP_PORT, tlsPort: config.SIP_TLS_PORT, wsPort: config.SIP_WS_PORT, tls }),
  ])
  const faults = [
    ...(apiUrl.status === 'rejected' ? [`API_PORT ${describeListenFailure(apiUrl.reason, host)}`] : []),
    ...(authUrl.status === 'rejected' ? [`AUTH_PORT ${describeListenFailure(authUrl.reason, host)}`] : []),
    ...(sipBound.status === 'rejected' ? [`SIP_PORT ${describeListenFailure(sipBound.reason, host)}`] : []),
  ]
  if (apiUrl.status === 'rejected' || authUrl.status === 'rejected' || sipBound.status === 'rejected') {
    throw new ConfigError(faults)
  }
  return { api: apiUrl.value, auth: authUrl.value, ...sipBound.value }
}

const LISTEN_FAILURES: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is taken by another program',
  EACCES: 'needs rights that this user does not have',
  EADDRNOTAVAIL: 'cannot be bound: this machine does not have the address of HOST',
  ENOTFOUND: 'cannot be bound: the name in HOST is unknown',
}

function describeListenFailure(error: unknown, host: string): string {
  if (!(error instanceof Error) || !('code' in error)) throw error
  const port = 'port' in error ? ` (${host}:${error.port})` : ''
  return `${LISTEN_FAILURES[String(error.code)] ?? `cannot be bound: ${error.message}`}${port}`
}

/** The line by which others know that the program serves; its form is a promise. */
export function readyLine({ api, auth, sip, sips, ws }: Bound): string {
  return [
    `ready api=${api} auth=${auth} sip=${sip ?? 'off'}`,
    ...(sips ? [`sips=${sips}`] : []),
    ...(ws ? [`ws=${ws}`] : []),
  ].join(' ')
}
