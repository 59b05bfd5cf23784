/*
 * A name as a number of 60 bits in two halves: five bits for each character of it, letters without their case. So no two
 * names of twelve characters at most have the same, and none of nine letters has that of a longer one. It costs a few
 * steps for each character, which has to be looked at anyway; a piece of text that is compared or looked up costs more
 * than the value behind it.
 */

const LETTERS = 'abcdefghijklmnopqrstuvwxyz*'
const OTHERS = "!#$%&'+-.^_`|~0123456789"
const FIGURE_BITS = 5
const HALF_BITS = 30

/** 1 to 28 for each `tchar` of RFC 9110 section 5.6.2, by its code; what no name that is read holds is all one. */
const FIGURES = new Uint8Array(256)
for (const char of OTHERS) FIGURES[char.charCodeAt(0)] = LETTERS.length + 1
for (const [index, letter] of [...LETTERS].entries()) {
  for (const char of [letter, letter.toUpperCase()]) FIGURES[char.charCodeAt(0)] = index + 1
}

/** What a character, given by its code up to 255, is in a name; 0 where it stands in no token. */
export function figureOf(code: number | undefined): number {
  return FIGURES[code ?? 0] ?? 0
}

/** The upper half of a name's number with one more character: that takes in what leaves the lower one. */
export function nextUpper(upper: number, lower: number): number {
  return (upper << FIGURE_BITS) | (lower >>> (HALF_BITS - FIGURE_BITS))
}

/** The lower half with one more character, given by its figure. */
export function nextLower(lower: number, figure: number): number {
  return ((lower << FIGURE_BITS) & (2 ** HALF_BITS - 1)) | figure
}

/** Both halves of a name's number. */
export function numberOf(name: string): { readonly upper: number; readonly lower: number } {
  let [upper, lower] = [0, 0]
  for (const char of name) {
    upper = nextUpper(upper, lower)
    lower = nextLower(lower, figureOf(char.charCodeAt(0)))
  }
  return { upper, lower }
}
