import { hash } from 'node:crypto'

const BLOCK_LENGTH = 64
const DIGEST_LENGTH = 32

/** Longer messages get a buffer of their own: nonces of a realm have one length, below this. */
const KEPT_LENGTH_MAX = 256

/** Computes the HMAC of a message under the key that it was made with: 32 bytes, as a character (latin1) each. */
export type Hmac = (message: Uint8Array) => string

/**
 * HMAC-SHA256, RFC 2104, with the key's pads computed once. Two one-shot hashes take less than half the time of
 * node:crypto's `createHmac`, whose set-up costs more than a whole digest check; and hashes that come as strings take
 * a third of the time of those that come as buffers.
 */
export function createHmac(secret: string): Hmac {
  const key = Buffer.from(secret)
  const block = Buffer.alloc(BLOCK_LENGTH)
  if (key.length > BLOCK_LENGTH) block.set(hash('sha256', key, 'buffer'))
  else block.set(key)
  const innerPad = block.map((byte) => byte ^ 0x36)
  /** The pad with room for a message of so many bytes, by that length. */
  const inners: (Buffer | undefined)[] = []
  const outer = Buffer.alloc(BLOCK_LENGTH + DIGEST_LENGTH)
  outer.set(block.map((byte) => byte ^ 0x5c))

  function innerFor(length: number): Buffer {
    const inner = Buffer.alloc(BLOCK_LENGTH + length)
    inner.set(innerPad)
    if (length <= KEPT_LENGTH_MAX) inners[length] = inner
    return inner
  }

  return (message) => {
    // Both are written over at each call: nothing can come between these lines.
    const inner = inners[message.length] ?? innerFor(message.length)
    inner.set(message, BLOCK_LENGTH)
    const digest = hash('sha256', inner, 'binary')
    for (let at = 0; at < DIGEST_LENGTH; at++) outer[BLOCK_LENGTH + at] = digest.charCodeAt(at)
    return hash('sha256', outer, 'binary')
  }
}
