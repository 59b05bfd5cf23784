import type { Codes } from './codes.js'
import { figureOf, numberOf } from './name-number.js'

/** Where none of the names stands. */
export const NO_NAME = -1

/**
 * Finds which of some names stands at a place of a text, letters in any case: `number` is that of what stands there, from
 * `start` to `end`. Answers the name's index, or `NO_NAME`.
 */
export type NameTable = (number: number, codes: Codes, start: number, end: number) => number

const SLOTS = 64

/**
 * Each name has a slot of its own among 64, which its number times some odd factor tells; so a look-up compares with one
 * name alone. Throws a RangeError where two names have one number, or there are too many of them.
 */
export function createNameTable(names: readonly string[]): NameTable {
  const numbers = names.map(numberOf)
  const figures = names.map((name) => Uint8Array.from(name, (char) => figureOf(char.charCodeAt(0))))
  const factor = findFactor(numbers)
  const slots = new Int8Array(SLOTS).fill(NO_NAME)
  for (const [index, number] of numbers.entries()) slots[slotOf(number, factor)] = index

  return (number, codes, start, end) => {
    const index = slots[slotOf(number, factor)] ?? NO_NAME
    if (index === NO_NAME || numbers[index] !== number) return NO_NAME
    const wanted = figures[index]
    if (wanted === undefined || wanted.length !== end - start) return NO_NAME
    for (let at = 0; at < wanted.length - EXACT; at++) if (figureOf(codes[start + at]) !== wanted[at]) return NO_NAME
    return index
  }
}

/** So many characters, the last ones, a number tells for certain. */
const EXACT = 6

function slotOf(number: number, factor: number): number {
  return Math.imul(number, factor) >>> (32 - Math.log2(SLOTS))
}

function findFactor(numbers: readonly number[]): number {
  for (let factor = 1; factor < 1_000_000; factor += 2) {
    if (new Set(numbers.map((number) => slotOf(number, factor))).size === numbers.length) return factor
  }
  throw new RangeError('these names are not told apart by their numbers')
}
