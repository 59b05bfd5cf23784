import { timingSafeEqual } from 'node:crypto'

/**
 * Compares two secrets (responses, tokens, signatures) in a time that depends on their lengths alone.
 * This, and that of bytes below, is the only comparison of secrets in the program.
 */
export function equalInConstantTime(a: string, b: string): boolean {
  if (a.length !== b.length) return false
  // UTF-16 keeps every string apart; in UTF-8 all lone surrogates would become the same bytes.
  return equalBytesInConstantTime(Buffer.from(a, 'utf16le'), Buffer.from(b, 'utf16le'))
}

/** The same for bytes. */
export function equalBytesInConstantTime(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b)
}
