import type { Codes } from './codes.js'
import { figureOf, withFigure } from './name-number.js'
import { createNameTable, NO_NAME } from './name-table.js'
import {
  COMMA,
  closingQuote,
  EQUALS,
  endOfEmptyElements,
  endOfPlain,
  endOfSpace,
  endOfToken,
  isAscii,
  QUOTE,
  undoEscapes,
} from './scanner.js'
import { createWords } from './words.js'

/** The parameters of an Authorization that are read (RFC 7616 section 3.4), each with the place of its value. */
export const PLACES = {
  username: 0,
  realm: 1,
  nonce: 2,
  uri: 3,
  response: 4,
  algorithm: 5,
  cnonce: 6,
  qop: 7,
  nc: 8,
  opaque: 9,
  userhash: 10,
  'username*': 11,
} as const

/** Parameters by their places. */
export type AuthParams = {
  /** Undefined where a parameter is not given. */
  readonly values: readonly (string | undefined)[]
  /** Where the value begins in the text, if it stands there as it is; -1 where its escapes had to be undone. */
  readonly starts: readonly number[]
}

const NAMES = Object.keys(PLACES)
const placeOf = createNameTable(NAMES)
/** Realms, and uris, which name a domain in each REGISTER (RFC 3261 section 10.2): few are in use. */
const words = createWords()

const BLANK = NAMES.map((): string | undefined => undefined)
const NO_STARTS = NAMES.map(() => -1)

/**
 * Reads a comma-separated list of auth-params, RFC 9110 section 11.2, from `start` to the end of the value, in one pass
 * over its codes. Empty elements are passed over (section 5.6.1.2), and parameters that are not read too, once their
 * syntax is right; those that are read may stand once. Answers which one broke which rule, as a text that quotes nothing
 * of a value.
 */
export function readAuthParams(text: string, codes: Codes, start: number): AuthParams | string {
  const values = BLANK.slice()
  const starts = NO_STARTS.slice()
  let at = endOfEmptyElements(codes, start)
  while (at < text.length) {
    const nameAt = at
    let number = 0
    for (let figure = figureOf(codes[at]); figure !== 0; figure = figureOf(codes[++at])) {
      number = withFigure(number, figure)
    }
    if (at === nameAt) return 'a parameter must begin with a name that is a token'
    const place = placeOf(number, codes, nameAt, at)

    // White space round a separator is rare: what is expected is looked for first.
    if (codes[at] !== EQUALS) {
      at = endOfSpace(codes, at)
      if (codes[at] !== EQUALS) return fault(place, 'must be followed by an equals sign')
    }
    at++
    if (codes[at] !== QUOTE) at = endOfSpace(codes, at)

    let value: string
    let valueAt = at
    if (codes[at] === QUOTE) {
      valueAt = at + 1
      const isWord = place === PLACES.realm || place === PLACES.uri
      const word = isWord ? words.find(codes, valueAt) : undefined
      if (word !== undefined && codes[valueAt + word.length] === QUOTE) {
        value = word
        at = valueAt + word.length + 1
      } else {
        const plainEnd = endOfPlain(codes, valueAt)
        const end = codes[plainEnd] === QUOTE ? plainEnd : closingQuote(codes, plainEnd)
        if (end < 0) return fault(place, 'must end its quotes and hold no control character')
        value = text.slice(valueAt, end)
        at = end + 1
        if (end !== plainEnd) {
          value = undoEscapes(value)
          valueAt = -1
        } else if (isWord && isAscii(codes, valueAt, end)) {
          words.keep(value, codes, valueAt)
        }
      }
    } else {
      const end = endOfToken(codes, at)
      if (end === at) return fault(place, 'must have a token or a quoted string as its value')
      value = text.slice(at, end)
      at = end
    }
    if (place !== NO_NAME) {
      if (values[place] !== undefined) return fault(place, 'must not be given twice')
      values[place] = value
      starts[place] = valueAt
    }

    if (codes[at] !== COMMA) {
      at = endOfSpace(codes, at)
      if (at < text.length && codes[at] !== COMMA) return fault(place, 'must be followed by a comma or nothing')
    }
    at = endOfEmptyElements(codes, at)
  }
  return { values, starts }
}

function fault(place: number, rule: string): string {
  return `${NAMES[place] ?? 'a parameter'} ${rule}`
}
