import { readHexByte } from '../digest/hex.js'
import { findRepeatedName } from './repeated-name.js'

/** Every value of each name, in order; one character for each byte, so that a body of any bytes survives. */
export type Parameters = ReadonlyMap<string, readonly string[]>

/** A fault of a request's parameters, in words that name the parameter and the rule. */
export class ParameterFault extends Error {
  override readonly name = 'ParameterFault'
}

const [AMPERSAND, EQUALS, PERCENT, PLUS, BLANK] = [0x26, 0x3d, 0x25, 0x2b, 0x20]

/** By each byte: 1 where it is nothing but itself. */
const IS_PLAIN = new Uint8Array(256).fill(1)
for (const byte of [AMPERSAND, EQUALS, PERCENT, PLUS]) IS_PLAIN[byte] = 0

/** Longest text that is decoded in the place kept for it: as long as the longest body that is taken. */
const KEPT_LENGTH = 65_536
const kept = Buffer.alloc(KEPT_LENGTH)

/** Reads a form, where a plus stands for a blank. Throws a `ParameterFault` for a lone percent sign. */
export function parseForm(body: Uint8Array): Parameters {
  return parseEncoded(body, BLANK)
}

/** Reads the query of a URL, where a plus is a plus, since it is in telephone numbers. Throws a `ParameterFault` too. */
export function parseQuery(url: string): Parameters {
  const query = url.indexOf('?')
  return parseEncoded(Buffer.from(query < 0 ? '' : url.slice(query + 1), 'latin1'), PLUS)
}

/** Reads `name=value&…`, byte after byte into one text, of which all names and values are then parts. */
function parseEncoded(bytes: Uint8Array, plus: number): Parameters {
  // Decoding never makes a text longer.
  const decoded = bytes.length <= KEPT_LENGTH ? kept : Buffer.alloc(bytes.length)
  /** For each pair where its name begins and ends, and where its value ends, which follows at once. */
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
  return cut(decoded.toString('latin1', 0, length), places)
}

function cut(text: string, places: readonly number[]): Parameters {
  const parameters = new Map<string, string[]>()
  for (let place = 0; place < places.length; place += 3) {
    const nameEnd = places[place + 1] ?? 0
    add(parameters, text.slice(places[place], nameEnd), text.slice(nameEnd, places[place + 2]))
  }
  return parameters
}

function readEscape(bytes: Uint8Array, at: number): number {
  const byte = at + 2 < bytes.length ? readHexByte(bytes[at + 1] as number, bytes[at + 2] as number) : undefined
  if (byte === undefined) throw new ParameterFault('parameters must be percent-encoded: a lone % is not')
  return byte
}

/**
 * Reads a JSON object of strings; `true` and numbers stand for their text, null for absence, a list for repetition.
 * Throws a `ParameterFault` for anything else, and for a name that stands twice: whoever reads the last one and whoever
 * reads the first would see two different requests.
 */
export function parseJson(text: string): Parameters {
  const parameters = new Map<string, string[]>()
  const object = parseObject(text)
  const repeated = findRepeatedName(text)
  if (repeated !== undefined) throw new ParameterFault(`${repeated} must not be repeated: a list holds several`)
  for (const [name, value] of Object.entries(object)) {
    if (typeof value === 'string') parameters.set(name, [toBytes(value)])
    else addOthers(parameters, name, Array.isArray(value) ? value : [value])
  }
  return parameters
}

function addOthers(parameters: Map<string, string[]>, name: string, items: readonly unknown[]): void {
  for (const item of items) {
    if (item === null) continue
    if (!['string', 'number', 'boolean'].includes(typeof item)) throw new ParameterFault(`${name} must be a string`)
    add(parameters, name, item === true ? '1' : item === false ? '0' : toBytes(String(item)))
  }
}

function parseObject(text: string): object {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new ParameterFault('the body must be JSON')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ParameterFault('the body must be a JSON object')
  }
  return value
}

/** The UTF-8 bytes of a text, a character each. */
function toBytes(text: string): string {
  return /^[\0-\x7f]*$/.test(text) ? text : Buffer.from(text).toString('latin1')
}

function add(parameters: Map<string, string[]>, name: string, value: string): void {
  const values = parameters.get(name)
  if (values) values.push(value)
  else parameters.set(name, [value])
}

/** The one value of a parameter; undefined where it is absent. Throws a `ParameterFault` where it is repeated. */
export function single(parameters: Parameters, name: string): string | undefined {
  const values = parameters.get(name)
  if (values && values.length > 1) throw new ParameterFault(`${name} must not be repeated`)
  return values?.[0]
}

/** Like `single`, where an empty value counts as absent. */
export function filled(parameters: Parameters, name: string): string | undefined {
  return single(parameters, name) || undefined
}

/** A switch: `1` is on; absent, empty and `0` are off. */
export function flag(parameters: Parameters, name: string): boolean {
  const value = filled(parameters, name)
  if (value !== undefined && value !== '0' && value !== '1') throw new ParameterFault(`${name} must be 1 or absent`)
  return value === '1'
}
