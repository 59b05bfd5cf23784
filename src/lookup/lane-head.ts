import { equalBytesInConstantTime } from '../digest/equal.js'
import type { LaneRequest } from './lane-request.js'

/** A head that was let in, which its connection will send again: nothing but the length of the body changes. */
export type KnownHead = {
  /** The next request, where its head is the known one and its body has arrived; undefined: it has to be read. */
  read(bytes: Buffer): LaneRequest | undefined
}

const CR = 13
const [ZERO, NINE] = [48, 57]
/** Digits of the longest body, 65,536 bytes. */
const DIGITS_MAX = 5

/**
 * Remembers the head of a request at the beginning of `bytes`. Heads hold the token, so they are compared in constant
 * time: where one connection carries the requests of several clients, none learns from another's.
 */
export function rememberHead(bytes: Buffer, request: LaneRequest, bodyMax: number): KnownHead {
  const headLength = request.length - request.body.length
  const head = Buffer.from(bytes.subarray(0, headLength))
  const before = head.subarray(0, request.lengthAt)
  const after = head.subarray(head.indexOf(CR, request.lengthAt))

  return {
    read(bytes) {
      const start = before.length
      let end = start
      let bodyLength = 0
      for (; end < bytes.length && end <= start + DIGITS_MAX; end++) {
        const digit = bytes[end] ?? CR
        if (digit < ZERO || digit > NINE) break
        bodyLength = bodyLength * 10 + digit - ZERO
      }
      const bodyAt = end + after.length
      if (end === start || bytes[start] === ZERO || bodyLength > bodyMax) return undefined
      const length = bodyAt + bodyLength
      if (bytes.length < length) return undefined
      const isKnown =
        equalBytesInConstantTime(bytes.subarray(0, start), before) &&
        equalBytesInConstantTime(bytes.subarray(end, bodyAt), after)
      if (!isKnown) return undefined
      return { ...request, isKnown, lengthAt: start, body: bytes.subarray(bodyAt, length), length }
    },
  }
}
