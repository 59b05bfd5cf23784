/**
 * The characters of a text as numbers, a byte each; what lies above ASCII is all `ABOVE_ASCII`. Behind the last one
 * stands a 0, so that whoever reads on until something else comes ends there, and need not compare with the length.
 */
export type Codes = Uint8Array

/** What every character above ASCII counts as. */
export const ABOVE_ASCII = 0x80

/** Longest UTF-8 of one UTF-16 code unit, in bytes. */
const UTF8_LENGTH_MAX = 3

/**
 * Makes a reader of texts of at most so many characters; longer ones must not be given to it. Its codes are good until
 * it is called again: to write a whole text into bytes that lie ready, and to read those, takes half the time of asking
 * a string for one character after the other.
 */
export function createCodeReader(lengthMax: number): (text: string) => Codes {
  const codes = new Uint8Array(UTF8_LENGTH_MAX * lengthMax + 1)
  const writer = Buffer.from(codes.buffer)
  return (text) => {
    // In UTF-8 a text is as long as it has characters exactly when all of them are ASCII.
    if (writer.write(text) !== text.length) {
      for (let at = 0; at < text.length; at++) codes[at] = Math.min(text.charCodeAt(at), ABOVE_ASCII)
    }
    codes[text.length] = 0
    return codes
  }
}
