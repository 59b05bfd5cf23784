import type { AddressInfo, Server } from 'node:net'
import type { Connections } from './connections.js'
import type { SipDoor } from './door.js'
import type { Limits } from './limits.js'
import type { Source } from './reply.js'

/** One transport's way in. */
export type Listener = {
  /** Binds, and resolves with the port; rejects with node's error. */
  listen(host: string, port: number): Promise<number>
  /** Reads nothing new from now on; what is being answered may still be sent. */
  stop(): void
  /** Sends what is left and closes. */
  close(): Promise<void>
}

/** What every listener is built on. */
export type ListenerDeps = {
  readonly door: SipDoor
  readonly connections: Connections
  readonly limits: Limits
}

/** The peer of a socket, an IPv4 address in its own form where it came over an IPv6 socket. */
export function sourceOf(address: string, port: number): Source {
  if (!address.includes(':')) return { address, port }
  return { address: address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, ''), port }
}

/** Binds a server of node's and resolves with its port. */
export function listenOn(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port, exclusive: true }, () => {
      server.off('error', reject)
      resolve((server.address() as AddressInfo).port)
    })
  })
}

/** How long peers have to read what is left before a closing server cuts them off, in milliseconds. */
const GOODBYE_MS = 1_000

/** Takes no more connections, ends the open ones, and resolves when they are gone or have had their time. */
export async function closeServer(server: Server, endConnections: () => void): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve())
  })
  endConnections()
  let timer: NodeJS.Timeout | undefined
  const timeIsUp = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, GOODBYE_MS)
  })
  await Promise.race([closed, timeIsUp])
  clearTimeout(timer)
}
