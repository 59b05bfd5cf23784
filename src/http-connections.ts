import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { ANSWERED, ANSWERING } from './answering.js'

/** The connections of HTTP servers, for their end. */
export type HttpConnections = {
  /** Destroys those on which no request is being answered, one that is only half received among them. */
  endIdle(): void
  /** Destroys all. */
  endAll(): void
  /** Resolves when there is none. */
  allEnded(): Promise<void>
}

/**
 * Follows every connection from its beginning; for servers that do not listen yet. Node's own `closeIdleConnections`
 * passes over connections that have not sent a whole head yet, and `close` would wait for them.
 */
export function followConnections(servers: readonly Server[]): HttpConnections {
  const running = new Map<Socket, number>()
  for (const server of servers) {
    server.on('connection', (socket: Socket) => {
      running.set(socket, 0)
      socket.once('close', () => running.delete(socket))
    })
    server.on('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
      count(socket, 1)
      response.once('close', () => count(socket, -1))
    })
    server.on(ANSWERING, (socket: Socket) => count(socket, 1))
    server.on(ANSWERED, (socket: Socket) => count(socket, -1))
  }

  function count(socket: Socket, change: number): void {
    const before = running.get(socket)
    if (before !== undefined) running.set(socket, before + change)
  }

  return {
    endIdle() {
      // Output that the peer has not read yet belongs to an answer.
      for (const [socket, requests] of running) if (requests === 0 && socket.writableLength === 0) socket.destroy()
    },
    endAll() {
      for (const socket of running.keys()) socket.destroy()
    },
    async allEnded() {
      await Promise.all([...running.keys()].map((socket) => new Promise((resolve) => socket.once('close', resolve))))
    },
  }
}
