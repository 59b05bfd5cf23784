/*
 * A name as a number: five bits for each character of it, letters without their case. So no two names of six characters
 * have the same, and of a longer one at least its last six count. It costs a step for each character, which has to be
 * looked at anyway; a piece of text that is compared or looked up costs more than the value behind it.
 */

const LETTERS = 'abcdefghijklmnopqrstuvwxyz*'
const OTHERS = "!#$%&'+-.^_`|~0123456789"
const FIGURE_BITS = 5

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

/** The number of a name with one more character, given by its figure: 32 bits, the oldest of which go. */
export function withFigure(number: number, figure: number): number {
  return (number << FIGURE_BITS) | figure
}

/** The number of a name. */
export function numberOf(name: string): number {
  return [...name].reduce((number, char) => withFigure(number, figureOf(char.charCodeAt(0))), 0)
}
