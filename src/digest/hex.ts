const NONE = -1

/** What each hex digit of either case stands for, by its code. */
const DIGITS = new Int8Array(128).fill(NONE)
for (const digits of ['0123456789abcdef', '0123456789ABCDEF']) {
  for (const [value, digit] of [...digits].entries()) DIGITS[digit.charCodeAt(0)] = value
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
