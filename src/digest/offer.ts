import type { HashAlgorithm } from './algorithm.js'
import type { Qop } from './challenge.js'

/** What was offered along with a nonce, in order; only what was offered may be used. */
export type Offer = {
  readonly algorithms: readonly HashAlgorithm[]
  /** Empty: no qop was offered, and none may be used. */
  readonly qop: readonly Qop[]
}

/** Each place in a byte is two bits wide, the first in the lowest; it holds a position below plus one, or 0: empty. */
const PLACES = 3
const PLACE_BITS = 2
const PLACE_MASK = 0b11

const ALGORITHM_CODES: readonly HashAlgorithm[] = ['MD5', 'SHA-256', 'SHA-512-256']
const QOP_CODES: readonly Qop[] = ['auth', 'auth-int']

/** Encodes and decodes offers, and remembers what it did last: most are like the one before. */
export type OfferCodec = {
  /** Throws a RangeError for more than three of either. */
  encode(offer: Offer): OfferBytes
  decode(algorithmsByte: number, qopByte: number): Offer | undefined
}

export type OfferBytes = { readonly algorithms: number; readonly qop: number }

export function createOfferCodec(): OfferCodec {
  let encoded: { readonly offer: Offer; readonly bytes: OfferBytes } | undefined
  let decoded: { readonly offer: Offer | undefined; readonly bytes: OfferBytes } | undefined
  return {
    encode(offer) {
      if (encoded?.offer.algorithms !== offer.algorithms || encoded.offer.qop !== offer.qop) {
        const [algorithms, qop] = encodeOffer(offer)
        encoded = { offer, bytes: { algorithms, qop } }
      }
      return encoded.bytes
    },
    decode(algorithms, qop) {
      if (decoded?.bytes.algorithms !== algorithms || decoded.bytes.qop !== qop) {
        decoded = { offer: decodeOffer(algorithms, qop), bytes: { algorithms, qop } }
      }
      return decoded.offer
    },
  }
}

/** The offer as two bytes, algorithms and qop. Throws a RangeError for more than three of either. */
export function encodeOffer(offer: Offer): readonly [algorithms: number, qop: number] {
  return [encode(offer.algorithms, ALGORITHM_CODES), encode(offer.qop, QOP_CODES)]
}

/** What `encodeOffer` made these bytes of; undefined for bytes that it never makes. */
export function decodeOffer(algorithmsByte: number, qopByte: number): Offer | undefined {
  const algorithms = decode(algorithmsByte, ALGORITHM_CODES)
  const qop = decode(qopByte, QOP_CODES)
  return algorithms === undefined || qop === undefined ? undefined : { algorithms, qop }
}

function encode<Name extends string>(names: readonly Name[], codes: readonly Name[]): number {
  if (names.length > PLACES) throw new RangeError(`an offer holds at most ${PLACES} algorithms and ${PLACES} qops`)
  return names.reduce((byte, name, place) => byte | ((codes.indexOf(name) + 1) << (place * PLACE_BITS)), 0)
}

function decode<Name extends string>(byte: number, codes: readonly Name[]): readonly Name[] | undefined {
  const names: Name[] = []
  for (let rest = byte; rest !== 0; rest >>= PLACE_BITS) {
    const name = codes[(rest & PLACE_MASK) - 1]
    if (name === undefined || names.length === PLACES) return undefined
    names.push(name)
  }
  return names
}
