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
    return !this.atEnd && this.#text.charCodeAt(this.#at) === code
  }

  /** Reads the next character if it is this one, given by its code, and says whether it was. */
  take(code: number): boolean {
    if (!this.sees(code)) return false
    this.#at++
    return true
  }

  /** Reads optional white space, RFC 9110 section 5.6.3, and says whether there was any. */
  takeSpace(): boolean {
    const start = this.#at
    while (this.sees(SPACE) || this.sees(TAB)) this.#at++
    return this.#at > start
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
