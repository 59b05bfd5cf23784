import { afterLineEnds } from './datagram.js'
import { LIMITS } from './limits.js'
import { type Fault, TOO_LARGE } from './scanner.js'

/** One message cut out of a stream. After a fault, which is fatal, the stream cannot be cut any further. */
export type Frame = { readonly head: Buffer; readonly body: Buffer; readonly fault: Fault | undefined }

const UNFRAMED: Fault = { status: 400, reason: 'Needs One Content-Length', fatal: true }

/** Cuts a stream into messages, RFC 3261 section 18.3, in time and memory that are linear in what came. */
export type Framer = {
  push(chunk: Buffer): void
  /** The next whole message, or undefined until more has come. */
  next(): Frame | undefined
  /** Whether part of a message is waiting for its rest. */
  readonly pending: boolean
}

export function createFramer(): Framer {
  let buffered: Buffer = Buffer.alloc(0)
  let searched = 0
  /** Bytes of a message whose head is known, so that the head is not read again for each piece of the body. */
  let needed = 0

  /** Takes the first `length` bytes off. */
  const take = (length: number): Buffer => {
    const taken = buffered.subarray(0, length)
    buffered = buffered.subarray(length)
    searched = 0
    needed = 0
    return taken
  }

  const refuse = (head: Buffer, fault: Fault): Frame => {
    take(buffered.length)
    return { head, body: Buffer.alloc(0), fault }
  }

  return {
    push(chunk) {
      buffered = buffered.length === 0 ? chunk : Buffer.concat([buffered, chunk])
    },
    next() {
      if (buffered.length < needed) return undefined
      if (searched === 0) take(afterLineEnds(buffered, 0))
      const end = buffered.indexOf('\r\n\r\n', Math.max(0, searched - 3), 'latin1')
      if ((end < 0 ? buffered.length : end) > LIMITS.head) return refuse(buffered, TOO_LARGE)
      if (end < 0) {
        searched = buffered.length
        return undefined
      }
      const head = buffered.subarray(0, end)
      const length = contentLength(head)
      if (length === undefined) return refuse(head, UNFRAMED)
      if (end + 4 + length > LIMITS.message) return refuse(head, TOO_LARGE)
      needed = end + 4 + length
      if (buffered.length < needed) return undefined
      take(end + 4)
      return { head, body: take(length), fault: undefined }
    },
    get pending() {
      return buffered.length > 0
    },
  }
}

/** The value of exactly one Content-Length; undefined for none, several, or one that is no number of 1 to 6 digits. */
function contentLength(head: Buffer): number | undefined {
  const fields = head
    .toString('latin1')
    .split('\r\n')
    .filter((line) => /^(?:content-length|l)[ \t]*:/i.test(line))
  const digits = /^[^:]+:[ \t]*(\d{1,6})[ \t]*$/.exec(fields[0] ?? '')?.[1]
  return fields.length === 1 && digits !== undefined ? Number(digits) : undefined
}
