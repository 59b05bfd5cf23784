import { Fault } from './fault.js'
import { decodePercent } from './percent-encoding.js'

/** The parameters of a query or a form, by name; values are text and nothing is trimmed or coerced. */
export type Parameters = ReadonlyMap<string, string>

const NAME_SHOWN_MAX = 64

/**
 * Parses `application/x-www-form-urlencoded` (a query too) that came as bytes, one character a byte. Throws `malformed`
 * for a parameter that is repeated, or whose encoding is broken: which of two values counts would be a guess.
 */
export function parseParameters(bytes: string): Parameters {
  const parameters = new Map<string, string>()
  for (const pair of bytes.split('&')) {
    if (pair === '') continue
    const equals = pair.indexOf('=')
    const name = decodeField(equals < 0 ? pair : pair.slice(0, equals))
    if (name === undefined) throw new Fault('malformed', 'A parameter name must be percent-encoded UTF-8 without NUL')
    const shown = name.slice(0, NAME_SHOWN_MAX)
    if (parameters.has(name)) throw new Fault('malformed', `${shown} must not be repeated`)
    const value = equals < 0 ? '' : decodeField(pair.slice(equals + 1))
    if (value === undefined) throw new Fault('malformed', `${shown} must be percent-encoded UTF-8 without NUL`)
    parameters.set(name, value)
  }
  return parameters
}

function decodeField(bytes: string): string | undefined {
  return decodePercent(bytes.replaceAll('+', ' '))
}
