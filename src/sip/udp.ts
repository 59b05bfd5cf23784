import { createSocket, type RemoteInfo } from 'node:dgram'
import { isIPv6 } from 'node:net'
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
  const socket = createSocket({ type: isIPv6(deps.host) ? 'udp6' : 'udp4', recvBufferSize: limits.udpReceiveBuffer })
  let closed = false
  let sending = 0
  let allSent = (): void => undefined

  const noteFault = (error: Error | null): void => {
    if (error) log.debug({ err: error }, 'UDP')
  }

  /** Back over the same socket. Where no rport was asked for, to the port that the Via names (RFC 3581 section 4). */
  const channelTo = ({ address, port }: RemoteInfo): Channel => ({
    source: sourceOf(address, port),
    transport: 'UDP',
    send(answer: Buffer, top: Via) {
      const to = top.parameters.has('rport') ? port : (top.port ?? DEFAULT_PORT)
      if (closed) return
      sending++
      socket.send(answer, to, address, (error) => {
        noteFault(error)
        if (--sending === 0) allSent()
      })
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
      if (sending > 0) {
        await new Promise<void>((resolve) => {
          allSent = resolve
        })
      }
      await new Promise<void>((resolve) => socket.close(resolve))
    },
  }
}
