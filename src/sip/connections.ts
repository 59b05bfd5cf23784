import type { Socket } from 'node:net'
import type { Limits } from './limits.js'

/** Counts the connections of all stream transports, so that no address and no crowd takes them all. */
export type Connections = {
  /** Counts a connection until it closes, or ends it at once where there are too many. */
  admit(socket: Socket): void
  /** Ends all of them. */
  destroy(): void
}

export function createConnections(limits: Limits): Connections {
  const sockets = new Set<Socket>()
  const perAddress = new Map<string, number>()

  return {
    admit(socket) {
      const address = socket.remoteAddress
      const count = perAddress.get(address ?? '') ?? 0
      socket.on('error', () => socket.destroy()) // the peer went away
      if (address === undefined || sockets.size >= limits.connections || count >= limits.connectionsPerAddress) {
        socket.destroy()
        return
      }
      sockets.add(socket)
      perAddress.set(address, count + 1)
      socket.once('close', () => {
        sockets.delete(socket)
        const left = (perAddress.get(address) ?? 1) - 1
        if (left === 0) perAddress.delete(address)
        else perAddress.set(address, left)
      })
    },
    destroy() {
      for (const socket of sockets) socket.destroy()
    },
  }
}
