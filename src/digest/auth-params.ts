import { figureOf, numberOf, withFigure } from './name-number.js'
import {
  COMMA,
  closingQuote,
  EQUALS,
  endOfEmptyElements,
  endOfSpace,
  endOfToken,
  isPlain,
  QUOTE,
  sees,
  undoEscapes,
} from './scanner.js'

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

/** Values by their places; undefined where a parameter is not given. */
export type AuthParams = readonly (string | undefined)[]

const NAMES = Object.keys(PLACES)
const NUMBERS = NAMES.map(numberOf)
const BLANK = NAMES.map((): string | undefined => undefined)
const UNREAD = -1

/**
 * Reads a comma-separated list of auth-params, RFC 9110 section 11.2, from `start` to the end of the value, in one pass.
 * Empty elements are passed over (section 5.6.1.2), and parameters that are not read too, once their syntax is right;
 * those that are read may stand once. Answers which one broke which rule, as a text that quotes nothing of a value.
 */
export function readAuthParams(text: string, start: number): AuthParams | string {
  const plain = isPlain(text)
  const values = BLANK.slice()
  let at = endOfEmptyElements(text, start)
  while (at < text.length) {
    const nameAt = at
    let number = 0
    for (; at < text.length; at++) {
      const figure = figureOf(text.charCodeAt(at))
      if (figure === 0) break
      number = withFigure(number, figure)
    }
    if (at === nameAt) return 'a parameter must begin with a name that is a token'
    const place = placeOf(number)

    // White space round a separator is rare: what is expected is looked for first.
    if (!sees(text, at, EQUALS)) {
      at = endOfSpace(text, at)
      if (!sees(text, at, EQUALS)) return fault(place, 'must be followed by an equals sign')
    }
    at++
    if (!sees(text, at, QUOTE)) at = endOfSpace(text, at)

    let value: string
    if (sees(text, at, QUOTE)) {
      const end = plain ? text.indexOf('"', at + 1) : closingQuote(text, at + 1)
      if (end < 0) return fault(place, 'must end its quotes and hold no control character')
      value = text.slice(at + 1, end)
      at = end + 1
    } else {
      const end = endOfToken(text, at)
      if (end === at) return fault(place, 'must have a token or a quoted string as its value')
      value = text.slice(at, end)
      at = end
    }
    if (place !== UNREAD) {
      if (values[place] !== undefined) return fault(place, 'must not be given twice')
      values[place] = plain ? value : undoEscapes(value)
    }

    if (!sees(text, at, COMMA)) {
      at = endOfSpace(text, at)
      if (at < text.length && !sees(text, at, COMMA)) return fault(place, 'must be followed by a comma or nothing')
    }
    at = endOfEmptyElements(text, at)
  }
  return values
}

function placeOf(number: number): number {
  for (let place = 0; place < NUMBERS.length; place++) if (NUMBERS[place] === number) return place
  return UNREAD
}

function fault(place: number, rule: string): string {
  return `${NAMES[place] ?? 'a parameter'} ${rule}`
}
