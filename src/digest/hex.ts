const NONE = -1

/** What each hex digit of either case stands for, by its code. */
const DIGITS = new Int8Array(128).fill(NONE)
for (const digits of ['0123456789abcdef', '0123456789ABCDEF']) {
  for (const [value, digit] of [...digits].entries()) DIGITS[digit.charCodeAt(0)] = value
}

/** 0 for the codes of digits and of letters in lower case. */
const NOT_LOWER_CASE = new Uint8Array(256).fill(1)
for (const digit of '0123456789abcdef') NOT_LOWER_CASE[digit.charCodeAt(0)] = 0

/** Whether these codes, each 255 at most, are all of hex digits in lower case. */
export function isLowerCaseHex(codes: Uint8Array, start: number, end: number): boolean {
  let others = 0
  for (let at = start; at < end; at++) others |= NOT_LOWER_CASE[codes[at] ?? 0] ?? 1
  return others === 0
}

/** The byte that two hex digits of either case stand for, given by their codes; undefined where one of them is none. */
export function readHexByte(high: number, low: number): number | undefined {
  const [first, second] = [DIGITS[high] ?? NONE, DIGITS[low] ?? NONE]
  return first === NONE || second === NONE ? undefined : 16 * first + second
}

/** What hex digits of either case count to, up to 13 of them; undefined where anything else stands among them. */
export function readHex(text: string): number | undefined {
  // For a few digits this is done before a regular expression and `parseInt` have begun.
  let number = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    const digit = code < DIGITS.length ? (DIGITS[code] ?? NONE) : NONE
    if (digit === NONE) return undefined
    number = number * 16 + digit
  }
  return number
}
