import { createServer, type IncomingMessage } from 'node:http'
import { type WebSocket, WebSocketServer } from 'ws'
import { readDatagram } from './datagram.js'
import { createDeadline } from './deadline.js'
import type { Channel } from './door.js'
import { closeServer, type Listener, type ListenerDeps, listenOn, sourceOf } from './listener.js'
import { endsConnection } from './message.js'

/** The subprotocol that both sides must name, RFC 7118 section 4.1. */
const SUBPROTOCOL = 'sip'

/** Bytes that a handshake's request line and headers may have. */
const HANDSHAKE_HEAD_MAX = 8_192

/** How often node looks for handshakes that take too long, in milliseconds; of itself it would every 30 s. */
const HANDSHAKE_CHECK_MS = 1_000

/** SIP over WebSocket, RFC 7118: one message a frame, nothing compressed. */
export function createWebSocketListener(deps: ListenerDeps): Listener {
  const { connections, limits } = deps
  const open = new Set<WebSocket>()
  let stopped = false
  const timeouts = {
    headersTimeout: limits.messageMs,
    requestTimeout: limits.messageMs,
    connectionsCheckingInterval: HANDSHAKE_CHECK_MS,
  }
  const server = createServer({ maxHeaderSize: HANDSHAKE_HEAD_MAX, ...timeouts }, (_request, response) => {
    response.writeHead(426, { connection: 'close', upgrade: 'websocket' }).end()
  })
  server.on('connection', connections.admit)
  server.on('clientError', (_error, socket) => socket.destroy())
  const sockets = new WebSocketServer({
    server,
    // Room enough to tell a sender that its message is too large.
    maxPayload: 2 * limits.message,
    perMessageDeflate: false,
    clientTracking: false,
    verifyClient: ({ req }: { req: IncomingMessage }) => offered(req).includes(SUBPROTOCOL),
    handleProtocols: () => SUBPROTOCOL,
  })
  sockets.on('error', () => undefined) // the server's own errors reach whoever listens
  sockets.on('connection', (socket, request) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
    readFrames(deps, socket, request, () => stopped)
  })

  return {
    listen: (host, port) => listenOn(server, host, port),
    stop() {
      stopped = true
      server.close()
    },
    close: () =>
      closeServer(server, () => {
        for (const socket of open) socket.close(1001)
      }),
  }
}

function offered({ headers }: IncomingMessage): string[] {
  return (headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim())
}

/** Reads one message a frame. Line ends alone keep the connection open (RFC 7118 section 6). */
function readFrames(
  { door, limits }: ListenerDeps,
  socket: WebSocket,
  request: IncomingMessage,
  isStopped: () => boolean,
): void {
  const deadline = createDeadline(() => socket.terminate())
  const channel: Channel = {
    source: sourceOf(request.socket.remoteAddress ?? '', request.socket.remotePort ?? 0),
    transport: 'WS',
    send(answer) {
      if (socket.bufferedAmount > limits.unreadOutput) socket.terminate()
      else if (socket.readyState === socket.OPEN)
        socket.send(Buffer.from(answer, 'latin1'), { binary: false }, () => undefined)
    },
  }
  let served = false
  let ended = false
  deadline.set(limits.firstMessageMs)
  socket.on('error', () => socket.terminate()) // what is no WebSocket frame
  socket.on('close', deadline.clear)
  socket.on('message', (data) => {
    if (ended || isStopped() || !Buffer.isBuffer(data)) return
    const reading = readDatagram(data)
    if (reading) {
      served = true
      door.receive(reading, channel)
    }
    if (served) deadline.set(limits.idleMs)
    if (reading && endsConnection(reading)) {
      ended = true
      deadline.set(limits.messageMs)
      socket.close(1002)
    }
  })
}
