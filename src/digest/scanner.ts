import { isControl } from './quoted-string.js'

const TAB = 0x09
const SPACE = 0x20
const BACKSLASH = 0x5c

/** The separators that a list of parameters is read by, as codes. */
export const QUOTE = 0x22
export const COMMA = 0x2c
export const EQUALS = 0x3d

const TOKEN_PUNCTUATION = "!#$%&'*+-.^_`|~"
const ALPHANUMERIC = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

/** 1 for each `tchar` of RFC 9110 section 5.6.2, by its code. */
const IS_TOKEN_CHAR = new Uint8Array(128)
for (const char of ALPHANUMERIC + TOKEN_PUNCTUATION) IS_TOKEN_CHAR[char.charCodeAt(0)] = 1

function isSpace(code: number): boolean {
  return code === SPACE || code === TAB
}

/** Neither control characters nor backslashes; a regular expression sees that many times faster than a loop. */
const PLAIN = /^[ -\x5b\x5d-~]*$/

/**
 * Reads a header's value from left to right. `at` never moves back, so the work is linear in the value's length
 * whatever it holds.
 */
export class Scanner {
  readonly #text: string
  /** Whether quoted-strings in it are what stands between the quotes, as in nearly every header that phones send. */
  readonly #isPlain: boolean
  #at = 0

  constructor(text: string) {
    this.#text = text
    this.#isPlain = PLAIN.test(text)
  }

  /** Whether the whole value is read. */
  get atEnd(): boolean {
    return this.#at >= this.#text.length
  }

  /** Whether the next character is this one, given by its code; nothing is read. */
  sees(code: number): boolean {
    // Nothing is read beyond the end: the NaN that comes of it would slow down every later reading.
    return this.#at < this.#text.length && this.#text.charCodeAt(this.#at) === code
  }

  /** Reads the next character if it is this one, given by its code, and says whether it was. */
  take(code: number): boolean {
    const seen = this.sees(code)
    if (seen) this.#at++
    return seen
  }

  /** Reads optional white space, RFC 9110 section 5.6.3, and says whether there was any. */
  takeSpace(): boolean {
    const text = this.#text
    const start = this.#at
    let at = start
    while (at < text.length && isSpace(text.charCodeAt(at))) at++
    if (at === start) return false
    this.#at = at
    return true
  }

  /** Reads commas and white space, in any order: what may stand before an element of a list (section 5.6.1.2). */
  takeEmptyElements(): void {
    const text = this.#text
    let at = this.#at
    while (at < text.length && (text.charCodeAt(at) === COMMA || isSpace(text.charCodeAt(at)))) at++
    this.#at = at
  }

  /** Reads an equals sign with white space around it, and says whether it was there. */
  takeEquals(): boolean {
    this.takeSpace()
    const seen = this.take(EQUALS)
    if (seen && !this.sees(QUOTE)) this.takeSpace()
    return seen
  }

  /** Reads the white space behind an element of a list, and says whether that ends there: with a comma, or the value. */
  takeElementEnd(): boolean {
    if (this.sees(COMMA)) return true
    this.takeSpace()
    return this.atEnd || this.sees(COMMA)
  }

  /** Reads a token; an empty string where none stands. */
  takeToken(): string {
    const text = this.#text
    const start = this.#at
    let at = start
    while (at < text.length && IS_TOKEN_CHAR[text.charCodeAt(at)] === 1) at++
    this.#at = at
    return text.slice(start, at)
  }

  /**
   * Reads a quoted-string, RFC 9110 section 5.6.4, and returns what it stands for, its escapes undone. Undefined where
   * it does not end or holds a control character.
   */
  takeQuotedString(): string | undefined {
    if (!this.take(QUOTE)) return undefined
    const text = this.#text
    let start = this.#at
    if (this.#isPlain) {
      const end = text.indexOf('"', start)
      if (end < 0) return undefined
      this.#at = end + 1
      return text.slice(start, end)
    }
    let unescaped = ''
    for (let at = start; at < text.length; at++) {
      let code = text.charCodeAt(at)
      if (code === QUOTE) {
        this.#at = at + 1
        return unescaped + text.slice(start, at)
      }
      if (code === BACKSLASH) {
        unescaped += text.slice(start, at)
        start = ++at
        code = text.charCodeAt(at)
      }
      if (isControl(code)) return undefined
    }
    return undefined
  }

  /** Reads what is left, and says whether it is free of control characters, HTAB apart. */
  takeRest(): boolean {
    for (; !this.atEnd; this.#at++) {
      const code = this.#text.charCodeAt(this.#at)
      if (isControl(code) && code !== TAB) return false
    }
    return true
  }
}
