import type { HashAlgorithm } from './algorithm.js'
import type { Qop } from './challenge.js'

/** What was offered along with a nonce, in order; only what was offered may be used. */
export type Offer = {
  readonly algorithms: readonly HashAlgorithm[]
  /** Empty: no qop was offered, and none may be used. */
  readonly qop: readonly Qop[]
}

/** Each place in a byte is two bits wide and holds a code from 1 to 3; 0 is an empty place. */
const PLACES = 3
const PLACE_BITS = 2
const PLACE_MASK = 0b11

const ALGORITHM_CODES: Readonly<Record<HashAlgorithm, number>> = { MD5: 1, 'SHA-256': 2, 'SHA-512-256': 3 }
const QOP_CODES: Readonly<Record<Qop, number>> = { auth: 1, 'auth-int': 2 }

/**
 * The offer as two bytes, algorithms and qop, the first of each in the lowest bits.
 * Throws a RangeError for more than three of either.
 */
export function encodeOffer(offer: Offer): readonly [algorithms: number, qop: number] {
  return [encode(offer.algorithms, ALGORITHM_CODES), encode(offer.qop, QOP_CODES)]
}

/** What `encodeOffer` made these bytes of; undefined for bytes that it never makes. */
export function decodeOffer(algorithms: number, qop: number): Offer | undefined {
  const offer = { algorithms: decode(algorithms, ALGORITHM_CODES), qop: decode(qop, QOP_CODES) }
  const [algorithmsAgain, qopAgain] = encodeOffer(offer)
  return algorithmsAgain === algorithms && qopAgain === qop ? offer : undefined
}

function encode<Name extends string>(names: readonly Name[], codes: Readonly<Record<Name, number>>): number {
  if (names.length > PLACES) throw new RangeError(`an offer holds at most ${PLACES} algorithms and ${PLACES} qops`)
  return names.reduce((byte, name, place) => byte | (codes[name] << (place * PLACE_BITS)), 0)
}

function decode<Name extends string>(byte: number, codes: Readonly<Record<Name, number>>): readonly Name[] {
  const names = Object.keys(codes) as Name[]
  const places = Array.from({ length: PLACES }, (_, place) => (byte >> (place * PLACE_BITS)) & PLACE_MASK)
  return places.flatMap((code) => names.filter((name) => codes[name] === code))
}
