import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import type { DoorName } from './protocol.js'

/** A process that takes connections. */
export type Taker = { give(door: DoorName, socket: Socket): void }

/** Listens for several processes, and hands each connection to the next of them. */
export type Handover = {
  /** Binds a door; resolves with its base URL, rejects with node's error. */
  listen(door: DoorName, host: string, port: number): Promise<string>
  /** Gives a connection to the next taker; it waits for one where there is none. */
  pass(door: DoorName, socket: Socket): void
  add(taker: Taker): void
  remove(taker: Taker): void
  /** Listens no more, and ends the connections that nobody has taken. */
  close(): void
}

/** As node:http has it for its servers; and nothing is read here. */
const OPTIONS = { allowHalfOpen: true, noDelay: true, pauseOnConnect: true } as const
/** Addresses that stand for every one of this machine, and how it may be reached at them. */
const UNSPECIFIED: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' }

/**
 * Begins without takers. The port is this process's, so it stays open whatever becomes of them. A node:cluster would lose
 * each connection that is on its way to a worker that dies: its client would wait for ever.
 */
export function createHandover(): Handover {
  const servers: Server[] = []
  /** In the order of their turns. */
  const takers = new Set<Taker>()
  const waiting: { readonly door: DoorName; readonly socket: Socket }[] = []
  let closed = false

  function pass(door: DoorName, socket: Socket): void {
    const [next] = takers
    if (closed) socket.destroy()
    else if (!next) waiting.push({ door, socket })
    else {
      takers.delete(next)
      takers.add(next)
      next.give(door, socket)
    }
  }

  return {
    pass,
    async listen(door, host, port) {
      const server = createServer(OPTIONS, (socket) => {
        // Its peer may go away while it waits.
        socket.on('error', () => socket.destroy())
        pass(door, socket)
      })
      servers.push(server)
      server.listen({ host, port })
      await once(server, 'listening')
      const bound = server.address() as AddressInfo
      const address = UNSPECIFIED[bound.address] ?? bound.address
      return `http://${address.includes(':') ? `[${address}]` : address}:${bound.port}`
    },
    add(taker) {
      takers.add(taker)
      for (const { door, socket } of waiting.splice(0)) pass(door, socket)
    },
    remove: (taker) => void takers.delete(taker),
    close() {
      closed = true
      for (const server of servers) server.close()
      for (const { socket } of waiting.splice(0)) socket.destroy()
    },
  }
}
