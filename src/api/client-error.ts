import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { FailureAnswer } from './failure.js'

/**
 * Writes an answer to a request that Node's parser gave up on, and ends the connection: where the next request would
 * begin is not known.
 */
export function answerOnSocket(socket: Socket, { status, headers, body }: FailureAnswer): void {
  if (!socket.writable) {
    socket.destroy()
    return
  }
  const text = JSON.stringify(body)
  const fields = {
    ...headers,
    'content-type': 'application/json; charset=utf-8',
    'content-length': String(Buffer.byteLength(text)),
    connection: 'close',
  }
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('')}\r\n${text}`, () => socket.destroy())
}
