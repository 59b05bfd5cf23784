import { readFlatJson } from './flat-json.js'
import { findRepeatedName } from './repeated-name.js'

/** Every value of each name, in order; one character for each byte, so that a body of any bytes survives. */
export type Parameters = ReadonlyMap<string, readonly string[]>

/** A fault of a request's parameters, in words that name the parameter and the rule. */
export class ParameterFault extends Error {
  override readonly name = 'ParameterFault'
}

/**
 * Reads a JSON object of strings; `true` and numbers stand for their text, null for absence, a list for repetition.
 * Throws a `ParameterFault` for anything else, and for a name that stands twice: whoever reads the last one and whoever
 * reads the first would see two different requests.
 */
export function parseJson(body: Buffer): Parameters {
  const flat = readFlatJson(body)
  if (flat) return flat
  const text = body.toString()
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
