import { QUOTE, type Scanner } from './scanner.js'

/**
 * The values of the parameters that were asked for, each at its place, undefined where it does not stand there; or which
 * one broke which rule. `fault` quotes nothing of a value.
 */
export type AuthParams = { readonly values: readonly (string | undefined)[] } | { readonly fault: string }

/**
 * Reads a comma-separated list of auth-params, RFC 9110 section 11.2, to the end of the value. Empty elements are
 * passed over (section 5.6.1.2), and parameters that nobody asked for too, once their syntax is right.
 * `places` holds the names to keep, in lower case, and where their values go, from 0 on; each may stand once.
 */
export function readAuthParams(scanner: Scanner, places: ReadonlyMap<string, number>): AuthParams {
  const values = new Array<string | undefined>(places.size).fill(undefined)
  for (;;) {
    scanner.takeEmptyElements()
    if (scanner.atEnd) return { values }
    const name = scanner.takeToken()
    if (name === '') return { fault: 'a parameter must begin with a name that is a token' }
    const place = places.get(name) ?? places.get(name.toLowerCase())
    const fault = readValue(scanner, values, place)
    if (fault !== undefined) return { fault: `${place === undefined ? 'a parameter' : name.toLowerCase()} ${fault}` }
  }
}

/** Reads what follows a name, and puts the value at its place; answers the rule that it broke. */
function readValue(scanner: Scanner, values: (string | undefined)[], place: number | undefined): string | undefined {
  if (!scanner.takeEquals()) return 'must be followed by an equals sign'
  const quoted = scanner.sees(QUOTE)
  const value = quoted ? scanner.takeQuotedString() : scanner.takeToken()
  if (value === undefined) return 'must end its quotes and hold no control character'
  if (value === '' && !quoted) return 'must have a token or a quoted string as its value'
  if (place !== undefined) {
    if (values[place] !== undefined) return 'must not be given twice'
    values[place] = value
  }
  return scanner.takeElementEnd() ? undefined : 'must be followed by a comma or nothing'
}
