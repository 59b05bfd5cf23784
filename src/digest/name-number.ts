/*
 * A name as a number: five bits for each character of it, letters without their case. Up to ten characters fit into a
 * number exactly, and longer names come to more than all of those, so two names of nine letters at most are never taken
 * for each other. A number costs one step for each character, which has to be looked at anyway; a piece of text that is
 * compared or looked up costs more than the value behind it.
 */

const LETTERS = 'abcdefghijklmnopqrstuvwxyz*'
const OTHERS = "!#$%&'+-.^_`|~0123456789"
const BASE = 32

/** 1 to 28 for each `tchar` of RFC 9110 section 5.6.2, by its code; what no name that is read holds is all one. */
const FIGURES = new Uint8Array(128)
for (const char of OTHERS) FIGURES[char.charCodeAt(0)] = LETTERS.length + 1
for (const [index, letter] of [...LETTERS].entries()) {
  for (const char of [letter, letter.toUpperCase()]) FIGURES[char.charCodeAt(0)] = index + 1
}

/** What a character, given by its code, is in a name; 0 where it stands in no token. */
export function figureOf(code: number): number {
  return code < FIGURES.length ? (FIGURES[code] ?? 0) : 0
}

/** The number of a name with one more character. */
export function withFigure(number: number, figure: number): number {
  return number * BASE + figure
}

/** The number of a name of at most nine letters or asterisks. */
export function numberOf(name: string): number {
  return [...name].reduce((number, char) => withFigure(number, figureOf(char.charCodeAt(0))), 0)
}
