import { readHexByte } from '../digest/hex.js'
import { cutPairs, pairsBuffer } from './pairs.js'
import { ParameterFault, type Parameters } from './parameters.js'

const [AMPERSAND, EQUALS, PERCENT, PLUS, BLANK] = [0x26, 0x3d, 0x25, 0x2b, 0x20]

/** By each byte: 1 where it is nothing but itself. */
const IS_PLAIN = new Uint8Array(256).fill(1)
for (const byte of [AMPERSAND, EQUALS, PERCENT, PLUS]) IS_PLAIN[byte] = 0

/** Reads a form, where a plus stands for a blank. Throws a `ParameterFault` for a lone percent sign. */
export function parseForm(body: Uint8Array): Parameters {
  return parseEncoded(body, BLANK)
}

/** Reads the query of a URL, where a plus is a plus, since it is in telephone numbers. Throws a `ParameterFault` too. */
export function parseQuery(url: string): Parameters {
  const query = url.indexOf('?')
  return parseEncoded(Buffer.from(query < 0 ? '' : url.slice(query + 1), 'latin1'), PLUS)
}

/** Reads `name=value&…`, byte after byte, into one text of which all names and values are then parts. */
function parseEncoded(bytes: Uint8Array, plus: number): Parameters {
  // Decoding never makes a text longer.
  const decoded = pairsBuffer(bytes.length)
  const places: number[] = []
  let [length, nameAt, nameEnd] = [0, 0, -1]
  const endPair = () => {
    // Nothing at all between two of them is no pair.
    if (nameEnd >= 0) places.push(nameAt, nameEnd, length)
    else if (length > nameAt) places.push(nameAt, length, length)
    nameAt = length
    nameEnd = -1
  }
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] as number
    // Most are plain: those shall cost one look.
    if (IS_PLAIN[byte] === 1) decoded[length++] = byte
    else if (byte === PERCENT) {
      decoded[length++] = readEscape(bytes, at)
      at += 2
    } else if (byte === AMPERSAND) endPair()
    else if (byte === EQUALS && nameEnd < 0) nameEnd = length
    else decoded[length++] = byte === PLUS ? plus : byte
  }
  endPair()
  return cutPairs(decoded.toString('latin1', 0, length), places)
}

function readEscape(bytes: Uint8Array, at: number): number {
  const byte = at + 2 < bytes.length ? readHexByte(bytes[at + 1] as number, bytes[at + 2] as number) : undefined
  if (byte === undefined) throw new ParameterFault('parameters must be percent-encoded: a lone % is not')
  return byte
}
