import { createSocket, type RemoteInfo } from 'node:dgram'
import { lookup } from 'node:dns'
import { isIP, isIPv6 } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Log } from '../log.js'
import { readDatagram } from './datagram.js'
import type { Channel } from './door.js'
import { type Listener, type ListenerDeps, sourceOf } from './listener.js'
import type { Via } from './via.js'

/** SIP's own port, where a Via names none (RFC 3261 section 18.2.2). */
const DEFAULT_PORT = 5060

/** SIP over UDP on one socket of the host's address family. */
export function createUdpListener(deps: ListenerDeps & { readonly host: string; readonly log: Log }): Listener {
  const { door, limits, log } = deps
  const family = isIPv6(deps.host) ? 6 : 4
  const socket = createSocket({
    type: `udp${family}`,
    recvBufferSize: limits.udpReceiveBuffer,
    // The host may be a name. Addresses to send to come from the socket: nothing to look up, for which node would wait a tick.
    lookup: (name, options, done) => (isIP(name) ? done(null, name, family) : lookup(name, options, done)),
  })
  let closed = false

  const noteFault = (error: Error): void => log.debug({ err: error }, 'UDP')

  /** Back over the same socket. Where no rport was asked for, to the port that the Via names (RFC 3581 section 4). */
  const channelTo = ({ address, port }: RemoteInfo): Channel => ({
    source: sourceOf(address, port),
    transport: 'UDP',
    send(answer: string, top: Via) {
      const to = top.parameters.has('rport') ? port : (top.port ?? DEFAULT_PORT)
      // Without a callback: an answer that cannot be sent is lost as any datagram may be, and the phone asks again.
      if (!closed) socket.send(Buffer.from(answer, 'latin1'), to, address)
    },
  })

  const receive = (bytes: Buffer, remote: RemoteInfo): void => {
    if (remote.port === 0) return // nobody can be answered there
    const reading = readDatagram(bytes)
    if (reading) door.receive(reading, channelTo(remote))
  }

  return {
    listen: (host, port) =>
      new Promise((resolve, reject) => {
        socket.once('error', reject)
        socket.bind({ address: host, port, exclusive: true }, () => {
          socket.off('error', reject)
          socket.on('error', noteFault)
          socket.on('message', receive)
          resolve(socket.address().port)
        })
      }),
    stop: () => {
      socket.off('message', receive)
    },
    async close() {
      if (closed) return
      closed = true
      // Most are sent at once; the system has no room for what is left.
      while (socket.getSendQueueCount() > 0) await nextTurn()
      await new Promise<void>((resolve) => socket.close(resolve))
    },
  }
}
