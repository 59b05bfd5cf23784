import { createServer, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { createDeadline } from './deadline.js'
import type { Channel } from './door.js'
import { createFramer } from './framer.js'
import { closeServer, type Listener, type ListenerDeps, listenOn, sourceOf } from './listener.js'
import { endsConnection, readMessage } from './message.js'

/** PEM texts of a certificate chain and its key. */
export type TlsCertificate = { readonly cert: string; readonly key: string }

/** SIP over TCP, or over TLS where there is a certificate. */
export function createStreamListener(deps: ListenerDeps & { readonly tls?: TlsCertificate | undefined }): Listener {
  const { connections, limits, tls } = deps
  const open = new Set<Socket>()
  let stopped = false

  const serve = (socket: Socket): void => {
    if (socket.destroyed) return
    open.add(socket)
    socket.once('close', () => open.delete(socket))
    readStream(deps, socket, tls ? 'TLS' : 'TCP', () => stopped)
  }
  const server = tls
    ? createTlsServer({ ...tls, handshakeTimeout: limits.firstMessageMs, noDelay: true }, serve)
    : createServer({ noDelay: true })
  server.on('connection', connections.admit)
  if (tls) server.on('tlsClientError', (_error, socket) => socket.destroy())
  else server.on('connection', serve)

  return {
    listen: (host, port) => listenOn(server, host, port),
    stop() {
      stopped = true
      server.close()
    },
    close: () =>
      closeServer(server, () => {
        for (const socket of open) socket.destroySoon()
      }),
  }
}

/** Reads messages off one connection, a few at a time, and ends it when it is slow, silent, deaf or not SIP. */
function readStream(
  { door, limits }: ListenerDeps,
  socket: Socket,
  transport: 'TCP' | 'TLS',
  isStopped: () => boolean,
): void {
  const framer = createFramer()
  const deadline = createDeadline(() => socket.destroy())
  const channel = streamChannel(socket, transport, limits.unreadOutput)
  let served = false
  let waitingForRest = false
  let ended = false
  let turnAhead = false

  /** Refused for good: the answer is sent, and what still comes is thrown away until the peer closes too. */
  const end = (): void => {
    ended = true
    deadline.set(limits.messageMs)
    socket.end()
  }

  /** The first message has its time from the connection on; a later one from its first byte on, not from each. */
  const setDeadline = (): void => {
    if (served && !framer.pending) deadline.set(limits.idleMs)
    else if (served && !waitingForRest) deadline.set(limits.messageMs)
    waitingForRest = framer.pending
  }

  const read = (): void => {
    turnAhead = false
    let count = 0
    while (!ended && !isStopped() && !socket.destroyed) {
      const frame = count < limits.messagesPerTurn ? framer.next() : 'turn over'
      if (frame === 'turn over') {
        yieldTurn()
        return
      }
      if (frame === undefined) {
        setDeadline()
        return
      }
      const reading = readMessage(frame.head, frame.body, frame.fault)
      served ||= reading.outcome !== 'dropped'
      count++
      waitingForRest = false
      door.receive(reading, channel)
      if (frame.fault || endsConnection(reading)) end()
    }
  }

  /** Lets other connections and datagrams have their turn before the rest is read. */
  const yieldTurn = (): void => {
    turnAhead = true
    socket.pause()
    setImmediate(() => {
      socket.resume()
      read()
    })
  }

  deadline.set(limits.firstMessageMs)
  socket.on('error', () => socket.destroy()) // the peer went away
  socket.on('close', deadline.clear)
  socket.on('data', (chunk: Buffer) => {
    if (ended || isStopped()) return
    framer.push(chunk)
    if (!turnAhead) read()
  })
}

/** Answers go back over the connection that the request came on (RFC 3261 section 18.2.2). */
function streamChannel(socket: Socket, transport: 'TCP' | 'TLS', unreadOutput: number): Channel {
  return {
    source: sourceOf(socket.remoteAddress ?? '', socket.remotePort ?? 0),
    transport,
    send(answer) {
      if (socket.writableLength > unreadOutput) socket.destroy()
      else if (socket.writable) socket.write(answer, 'latin1')
    },
  }
}
