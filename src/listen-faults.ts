import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { Config } from './config.js'

type PortName = 'API_PORT' | 'AUTH_PORT' | 'SIP_PORT' | 'SIP_TLS_PORT' | 'SIP_WS_PORT'
type Transport = 'tcp' | 'udp'

/** Every socket that the configuration asks for. */
const SOCKETS: readonly (readonly [PortName, Transport])[] = [
  ['API_PORT', 'tcp'],
  ['AUTH_PORT', 'tcp'],
  ['SIP_PORT', 'tcp'],
  ['SIP_PORT', 'udp'],
  ['SIP_TLS_PORT', 'tcp'],
  ['SIP_WS_PORT', 'tcp'],
]

const LISTEN_FAILURES: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is taken by another program',
  EACCES: 'needs rights that this user does not have',
  EADDRNOTAVAIL: 'cannot be bound: this machine does not have the address of HOST',
  ENOTFOUND: 'cannot be bound: the name in HOST is unknown',
  EAI_AGAIN: 'cannot be bound: the name in HOST cannot be looked up now',
}

/**
 * Says for every port of the configuration whether it could be bound at this moment, as faults that name the variable;
 * for a program that has not opened its doors yet, or has failed to and closed them again. A port that is itself faulty
 * is missing in the configuration, and is passed over.
 */
export async function findListenFaults(config: Config): Promise<readonly string[]> {
  const faults = new Map<PortName, string>()
  for (const [name, transport] of SOCKETS) {
    const port: number | 'off' | undefined = config[name]
    if (port === undefined || port === 'off' || faults.has(name)) continue
    const error = await tryToBind(transport, config.HOST, port)
    if (error) faults.set(name, `${name} ${describe(error)} (${config.HOST}:${port})`)
  }
  return [...faults.values()]
}

/** Binds and lets go again; the answer is the error that came of it. */
async function tryToBind(transport: Transport, host: string, port: number): Promise<NodeJS.ErrnoException | undefined> {
  const socket = transport === 'udp' ? createSocket(host.includes(':') ? 'udp6' : 'udp4') : createServer()
  try {
    if ('bind' in socket) socket.bind({ address: host, port, exclusive: true })
    else socket.listen({ host, port, exclusive: true })
    await once(socket, 'listening')
    await new Promise<void>((resolve) => socket.close(() => resolve()))
    return undefined
  } catch (error) {
    if (error instanceof Error) return error
    throw error
  }
}

function describe({ code = '', message }: NodeJS.ErrnoException): string {
  return LISTEN_FAILURES[code] ?? `cannot be bound: ${message}`
}
