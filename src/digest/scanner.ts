import { ABOVE_ASCII, type Codes } from './codes.js'
import { figureOf } from './name-number.js'
import { isControl } from './quoted-string.js'

/*
 * These look at a header's value from a place on, and never beyond the 0 that its codes end with.
 */

const TAB = 0x09
const SPACE = 0x20

/** The characters that a list of parameters is read by, as codes. */
export const QUOTE = 0x22
export const COMMA = 0x2c
export const EQUALS = 0x3d
export const BACKSLASH = 0x5c

/** Where optional white space ends, RFC 9110 section 5.6.3. */
export function endOfSpace(codes: Codes, start: number): number {
  let at = start
  while (isSpace(codes[at])) at++
  return at
}

/** Where commas and white space end, in any order: what may stand before an element of a list (section 5.6.1.2). */
export function endOfEmptyElements(codes: Codes, start: number): number {
  let at = start
  while (codes[at] === COMMA || isSpace(codes[at])) at++
  return at
}

/** Where a token ends; the start itself where none stands there. */
export function endOfToken(codes: Codes, start: number): number {
  let at = start
  while (figureOf(codes[at]) !== 0) at++
  return at
}

/** What is not plain in a quoted-string: its end, a backslash, any control character. */
const ENDS_PLAIN = Uint8Array.from({ length: 256 }, (_, code) =>
  code === QUOTE || code === BACKSLASH || isControl(code) ? 1 : 0,
)

/** Where plain characters of a quoted-string end: mostly at its closing quote. */
export function endOfPlain(codes: Codes, start: number): number {
  let at = start
  while (ENDS_PLAIN[codes[at] ?? 0] === 0) at++
  return at
}

/**
 * The closing quote of a quoted-string, RFC 9110 section 5.6.4, whose contents begin at `start`; -1 where it does not
 * end, or holds a control character.
 */
export function closingQuote(codes: Codes, start: number): number {
  let at = endOfPlain(codes, start)
  while (codes[at] === BACKSLASH) {
    // What is escaped may be anything but a control character, as which the end counts too.
    if (isControl(codes[at + 1] ?? 0)) return -1
    at = endOfPlain(codes, at + 2)
  }
  return codes[at] === QUOTE ? at : -1
}

/** What the contents of a quoted-string stand for: its escapes undone. */
export function undoEscapes(contents: string): string {
  return contents.includes('\\') ? contents.replace(/\\(.)/gs, '$1') : contents
}

/** Whether it is free of control characters from there to the end, HTAB apart. */
export function isFreeOfControls(codes: Codes, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const code = codes[at] ?? 0
    if (isControl(code) && code !== TAB) return false
  }
  return true
}

/** Whether it is all ASCII from there to the end. */
export function isAscii(codes: Codes, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if ((codes[at] ?? 0) >= ABOVE_ASCII) return false
  return true
}

function isSpace(code: number | undefined): boolean {
  return code === SPACE || code === TAB
}
