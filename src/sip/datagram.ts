import { LIMITS } from './limits.js'
import { type Reading, readMessage } from './message.js'
import { TOO_LARGE } from './scanner.js'

/**
 * Reads a datagram or a WebSocket frame, which is one message: undefined where it holds line ends alone, as phones send
 * to keep a path open (RFC 5626 section 4.4.1).
 */
export function readDatagram(bytes: Buffer): Reading | undefined {
  const start = afterLineEnds(bytes, 0)
  if (start === bytes.length) return undefined
  const tooLarge = bytes.length > LIMITS.message
  const end = bytes.indexOf('\r\n\r\n', start, 'latin1')
  if (end >= 0) return readMessage(bytes.subarray(start, end), after(bytes, end + 4), tooLarge ? TOO_LARGE : undefined)
  if (bytes.length - start > LIMITS.head) return readMessage(bytes.subarray(start), NOTHING, TOO_LARGE)
  return { outcome: 'dropped', why: 'no end of the head' }
}

const NOTHING = Buffer.alloc(0)

/** Most messages have no body, and no Buffer is made for it. */
function after(bytes: Buffer, position: number): Buffer {
  return position === bytes.length ? NOTHING : bytes.subarray(position)
}

/** The first position from `start` on that is neither CR nor LF (RFC 3261 section 7.5). */
export function afterLineEnds(bytes: Buffer, start: number): number {
  let position = start
  while (bytes[position] === 13 || bytes[position] === 10) position++
  return position
}
