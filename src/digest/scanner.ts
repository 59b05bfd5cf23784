import { isControl } from './quoted-string.js'

const QUOTE = 0x22
const BACKSLASH = 0x5c

const TOKEN_PUNCTUATION = "!#$%&'*+-.^_`|~"
const ALPHANUMERIC = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

/** 1 for each `tchar` of RFC 9110 section 5.6.2, by its code. */
const IS_TOKEN_CHAR = new Uint8Array(128)
for (const char of ALPHANUMERIC + TOKEN_PUNCTUATION) IS_TOKEN_CHAR[char.charCodeAt(0)] = 1

/**
 * Reads a header's value from left to right. `at` never moves back, so the work is linear in the value's length
 * whatever it holds.
 */
export class Scanner {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  /** Whether the whole value is read. */
  get atEnd(): boolean {
    return this.#at >= this.#text.length
  }

  /** Whether the next character is this one; nothing is read. */
  sees(char: string): boolean {
    return !this.atEnd && this.#text.charCodeAt(this.#at) === char.charCodeAt(0)
  }

  /** Reads the next character if it is this one, and says whether it was. */
  take(char: string): boolean {
    if (!this.sees(char)) return false
    this.#at++
    return true
  }

  /** Reads optional white space, RFC 9110 section 5.6.3, and says whether there was any. */
  takeSpace(): boolean {
    const start = this.#at
    while (this.sees(' ') || this.sees('\t')) this.#at++
    return this.#at > start
  }

  /** Reads a token; an empty string where none stands. */
  takeToken(): string {
    const start = this.#at
    while (!this.atEnd && IS_TOKEN_CHAR[this.#text.charCodeAt(this.#at)] === 1) this.#at++
    return this.#text.slice(start, this.#at)
  }

  /**
   * Reads a quoted-string, RFC 9110 section 5.6.4, and returns what it stands for, its escapes undone. Undefined where
   * it does not end or holds a control character.
   */
  takeQuotedString(): string | undefined {
    if (!this.take('"')) return undefined
    let text = ''
    let start = this.#at
    for (; !this.atEnd; this.#at++) {
      let code = this.#text.charCodeAt(this.#at)
      if (code === QUOTE) {
        text += this.#text.slice(start, this.#at++)
        return text
      }
      if (code === BACKSLASH) {
        text += this.#text.slice(start, this.#at++)
        start = this.#at
        code = this.atEnd ? 0 : this.#text.charCodeAt(this.#at)
      }
      if (isControl(code)) return undefined
    }
    return undefined
  }

  /** Reads what is left, and says whether it is free of control characters, HTAB apart. */
  takeRest(): boolean {
    for (; !this.atEnd; this.#at++) {
      if (isControl(this.#text.charCodeAt(this.#at)) && !this.sees('\t')) return false
    }
    return true
  }
}
