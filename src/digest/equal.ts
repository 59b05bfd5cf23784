import { timingSafeEqual } from 'node:crypto'

/** Two buffers of so many characters, which every comparison of texts of that length writes over. */
type Pads = readonly [Buffer, Buffer]

/** Longer texts get pads of their own: those that are compared often are hex digits of a hash, and tokens. */
const KEPT_LENGTH_MAX = 128

const kept: (Pads | undefined)[] = []

/**
 * Compares two secrets (responses, tokens, signatures) in a time that depends on their lengths alone.
 * This, and that of bytes below, is the only comparison of secrets in the program.
 */
export function equalInConstantTime(a: string, b: string): boolean {
  const { length } = a
  if (length !== b.length) return false
  const [padA, padB] = kept[length] ?? createPads(length)
  // UTF-16 keeps every string apart; in UTF-8 all lone surrogates would become the same bytes.
  padA.write(a, 'utf16le')
  padB.write(b, 'utf16le')
  return timingSafeEqual(padA, padB)
}

/** The same for bytes. */
export function equalBytesInConstantTime(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b)
}

function createPads(length: number): Pads {
  const pads = [Buffer.alloc(2 * length), Buffer.alloc(2 * length)] as const
  if (length <= KEPT_LENGTH_MAX) kept[length] = pads
  return pads
}
