import { COMMA, EQUALS, QUOTE, type Scanner } from './scanner.js'

/** The parameters that were asked for, by name, or which one broke which rule; `fault` quotes nothing of the value. */
export type AuthParams<Name extends string> =
  | { readonly values: ReadonlyMap<Name, string> }
  | { readonly fault: string }

/**
 * Reads a comma-separated list of auth-params, RFC 9110 section 11.2, to the end of the value. Empty elements are
 * passed over (section 5.6.1.2), and parameters that nobody asked for too, once their syntax is right.
 * `names` holds the names to keep, by their lower-case form; each may stand once.
 */
export function readAuthParams<Name extends string>(
  scanner: Scanner,
  names: ReadonlyMap<string, Name>,
): AuthParams<Name> {
  const values = new Map<Name, string>()
  for (;;) {
    skipEmptyElements(scanner)
    if (scanner.atEnd) return { values }
    const param = readAuthParam(scanner, names)
    if ('fault' in param) return param
    const { name, value } = param
    if (name !== undefined) {
      if (values.has(name)) return { fault: `${name} must not be given twice` }
      values.set(name, value)
    }
    scanner.takeSpace()
    if (!scanner.atEnd && !scanner.sees(COMMA))
      return { fault: `${label(name)} must be followed by a comma or nothing` }
  }
}

function skipEmptyElements(scanner: Scanner): void {
  scanner.takeSpace()
  while (scanner.take(COMMA)) scanner.takeSpace()
}

function readAuthParam<Name extends string>(
  scanner: Scanner,
  names: ReadonlyMap<string, Name>,
): { readonly name: Name | undefined; readonly value: string } | { readonly fault: string } {
  const token = scanner.takeToken()
  if (token === '') return { fault: 'a parameter must begin with a name that is a token' }
  const name = names.get(token) ?? names.get(token.toLowerCase())
  scanner.takeSpace()
  if (!scanner.take(EQUALS)) return { fault: `${label(name)} must be followed by an equals sign` }
  scanner.takeSpace()
  const quoted = scanner.sees(QUOTE)
  const value = quoted ? scanner.takeQuotedString() : scanner.takeToken()
  if (value === undefined) return { fault: `${label(name)} must end its quotes and hold no control character` }
  if (value === '' && !quoted) return { fault: `${label(name)} must have a token or a quoted string as its value` }
  return { name, value }
}

/** A name that the sender chose is not repeated. */
function label(name: string | undefined): string {
  return name ?? 'a parameter'
}
