const [QUOTE, BACKSLASH, COLON] = [34, 92, 58]
const OPENING: ReadonlySet<number> = new Set([123, 91])
const CLOSING: ReadonlySet<number> = new Set([125, 93])

/**
 * The first name of the outermost object that stands twice (RFC 8259 section 4); `text` is valid JSON. Strings are
 * jumped over, so that it costs little more than a look at what stands between them.
 */
export function findRepeatedName(text: string): string | undefined {
  const seen = new Set<string>()
  let depth = 0
  let [last, lastEnd] = [0, 0]
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) {
      last = at
      at = lastEnd = closingQuote(text, at)
    } else if (code === COLON) {
      if (depth !== 1) continue
      const name = nameOf(text.slice(last + 1, lastEnd))
      if (seen.has(name)) return name
      seen.add(name)
    } else if (OPENING.has(code)) depth++
    else if (CLOSING.has(code)) depth--
  }
  return undefined
}

/** Where the string ends that begins at `start`: at the first quote that no backslash escapes. */
function closingQuote(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); ; at = text.indexOf('"', at + 1)) {
    let backslashes = 0
    while (text.charCodeAt(at - 1 - backslashes) === BACKSLASH) backslashes++
    if (backslashes % 2 === 0) return at
  }
}

function nameOf(string: string): string {
  return string.includes('\\') ? (JSON.parse(`"${string}"`) as string) : string
}
