import { randomFillSync } from 'node:crypto'

const DRAWS_AT_ONCE = 512

/**
 * Returns a source of random bytes, which writes `length` of them into an array, from a place on. They are drawn in bulk:
 * asking node:crypto for a few costs nearly as much as asking it for thousands.
 */
export function createRandomBytes(length: number): (into: Uint8Array, at: number) => void {
  const pool = new Uint8Array(DRAWS_AT_ONCE * length)
  let next = pool.length
  return (into, at) => {
    if (next === pool.length) {
      randomFillSync(pool)
      next = 0
    }
    for (let index = 0; index < length; index++) into[at + index] = pool[next + index] ?? 0
    next += length
  }
}
