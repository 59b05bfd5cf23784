import { figureOf } from './name-number.js'
import { isControl } from './quoted-string.js'

/*
 * These look at a header's value from a place on. They hold nothing, so that V8 keeps all in registers, and never look
 * beyond the end: the NaN that comes of that would slow down every later reading.
 */

const TAB = 0x09
const SPACE = 0x20
const BACKSLASH = 0x5c

/** The separators that a list of parameters is read by, as codes. */
export const QUOTE = 0x22
export const COMMA = 0x2c
export const EQUALS = 0x3d

/** Whether this character, given by its code, stands there. */
export function sees(text: string, at: number, code: number): boolean {
  return at < text.length && text.charCodeAt(at) === code
}

/** Where optional white space ends, RFC 9110 section 5.6.3. */
export function endOfSpace(text: string, start: number): number {
  let at = start
  while (at < text.length && isSpace(text.charCodeAt(at))) at++
  return at
}

/** Where commas and white space end, in any order: what may stand before an element of a list (section 5.6.1.2). */
export function endOfEmptyElements(text: string, start: number): number {
  let at = start
  while (at < text.length && (text.charCodeAt(at) === COMMA || isSpace(text.charCodeAt(at)))) at++
  return at
}

/** Where a token ends; the start itself where none stands there. */
export function endOfToken(text: string, start: number): number {
  let at = start
  while (at < text.length && figureOf(text.charCodeAt(at)) !== 0) at++
  return at
}

/** Neither control characters nor backslashes; a regular expression sees that many times faster than a loop. */
const PLAIN = /^[ -\x5b\x5d-~]*$/

/** Whether every quoted-string in it stands for what is between its quotes, as in nearly every header of a phone. */
export function isPlain(text: string): boolean {
  return PLAIN.test(text)
}

/**
 * The closing quote of a quoted-string, RFC 9110 section 5.6.4, whose contents begin at `start`; -1 where it does not
 * end, or holds a control character.
 */
export function closingQuote(text: string, start: number): number {
  for (let at = start; at < text.length; at++) {
    if (text.charCodeAt(at) === QUOTE) return at
    if (text.charCodeAt(at) === BACKSLASH) at++
    if (at < text.length && isControl(text.charCodeAt(at))) return -1
  }
  return -1
}

/** What the contents of a quoted-string stand for: its escapes undone. */
export function undoEscapes(contents: string): string {
  return contents.includes('\\') ? contents.replace(/\\(.)/gs, '$1') : contents
}

/** Whether it is free of control characters from there on, HTAB apart. */
export function isFreeOfControls(text: string, start: number): boolean {
  for (let at = start; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (isControl(code) && code !== TAB) return false
  }
  return true
}

function isSpace(code: number): boolean {
  return code === SPACE || code === TAB
}
