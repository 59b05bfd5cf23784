import { randomFillSync } from 'node:crypto'

const DRAWS_AT_ONCE = 512

/**
 * Returns a source of `length` random bytes a call. They are drawn in bulk: asking node:crypto for a few costs nearly
 * as much as asking it for thousands. The array is a view that a later refill writes over, so it is copied at once.
 */
export function createRandomBytes(length: number): () => Uint8Array {
  const pool = new Uint8Array(DRAWS_AT_ONCE * length)
  let at = pool.length
  return () => {
    if (at === pool.length) {
      randomFillSync(pool)
      at = 0
    }
    at += length
    return pool.subarray(at - length, at)
  }
}
