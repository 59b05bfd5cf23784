import { hash } from 'node:crypto'

const BLOCK_LENGTH = 64
const DIGEST_LENGTH = 32

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
  const outer = Buffer.alloc(BLOCK_LENGTH + DIGEST_LENGTH)
  outer.set(block.map((byte) => byte ^ 0x5c))

  return (message) => {
    const inner = hash('sha256', Buffer.concat([innerPad, message]), 'binary')
    // Written over at each call: nothing can come between these two lines.
    outer.write(inner, BLOCK_LENGTH, 'latin1')
    return hash('sha256', outer, 'binary')
  }
}
