import { LIMITS } from './limits.js'

/** A From, To or Contact value: `"Bob" <sip:bob@example.com>;tag=a1` or `sip:bob@example.com;tag=a1`. */
export type Address = {
  readonly uri: string
  /** Header parameters by lower-case name; undefined for one without a value. Quoted values keep their quotes. */
  readonly parameters: ReadonlyMap<string, string | undefined>
}

// Each class leaves out what may follow it, so there is one way to match and the time is linear.
const NAME_ADDR = /^(?:"(?:[^"\\]|\\.)*" ?|[^<>";,@]*)<([^<>"\s]+)>/
const ADDR_SPEC = /^([a-z][a-z0-9+.-]*:[^\s<>";,?]+)/i
const PARAMETER = / ?; ?([A-Za-z0-9\-.!%*_+`'~]+)(?: ?= ?("(?:[^"\\]|\\.)*"|[^;,"\s<>]+))?/y

/**
 * Reads one address (RFC 3261 section 20.10, name-addr or addr-spec with its parameters). Undefined where the text is
 * anything else, the URI is too long, or a parameter is there twice.
 */
export function parseAddress(text: string): Address | undefined {
  const line = collapseBlanks(text)
  const match = NAME_ADDR.exec(line) ?? ADDR_SPEC.exec(line)
  const uri = match?.[1]
  if (match === null || uri === undefined || uri.length > LIMITS.uri) return undefined
  const parameters = parseParameters(line.slice(match[0].length))
  return parameters && { uri, parameters }
}

/** Reads `;name=value;name…` to its end; names in lower case. Undefined where it is anything else. */
export function parseParameters(text: string): Map<string, string | undefined> | undefined {
  const parameters = new Map<string, string | undefined>()
  let position = 0
  while (position < text.length) {
    PARAMETER.lastIndex = position
    const match = PARAMETER.exec(text)
    const name = match?.[1]?.toLowerCase()
    if (name === undefined || parameters.has(name)) return undefined
    parameters.set(name, match?.[2])
    position = PARAMETER.lastIndex
  }
  return parameters
}

/** Elements that a header value may list; hostile ones hold thousands. */
const ELEMENTS_MAX = 40

/**
 * Splits a header value at the commas that separate its elements, not at those in quotes or angle brackets. Undefined
 * where there are too many.
 */
export function splitList(text: string): string[] | undefined {
  if (!text.includes(',')) return [text.trim()]
  const elements: string[] = []
  let quoted = false
  let bracketed = false
  let start = 0
  for (let i = 0; i < text.length; i++) {
    const character = text[i]
    if (quoted) {
      if (character === '\\') i++
      else if (character === '"') quoted = false
    } else if (character === '"') quoted = true
    else if (character === '<') bracketed = true
    else if (character === '>') bracketed = false
    else if (character === ',' && !bracketed) {
      if (elements.length === ELEMENTS_MAX - 1) return undefined
      elements.push(text.slice(start, i).trim())
      start = i + 1
    }
  }
  elements.push(text.slice(start).trim())
  return elements
}

/** Splits several values of one header into one list. Undefined where any has too many elements. */
export function splitLists(values: readonly string[]): string[] | undefined {
  if (values.length === 1) return splitList(values[0] ?? '')
  const lists = values.map(splitList)
  return lists.includes(undefined) ? undefined : lists.flatMap((list) => list ?? [])
}

/** Runs of blanks become one space, which any parser of RFC 3261's grammar treats alike. */
export function collapseBlanks(text: string): string {
  const runs = text.includes('  ') || text.includes('\t')
  return (runs ? text.replace(/[ \t]+/g, ' ') : text).trim()
}
