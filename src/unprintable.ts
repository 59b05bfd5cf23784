/** What a terminal may take for a command, or show in another order (Unicode Cc, Cf, Zl, Zp). */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\u2028\u2029]/gu

/** A text without what a terminal may obey: that is written as in JSON, `\u001b`. */
export function escapeUnprintable(text: string): string {
  return text.replaceAll(UNPRINTABLE, escapeUnits)
}

function escapeUnits(text: string): string {
  return Array.from(
    { length: text.length },
    (_, unit) => `\\u${text.charCodeAt(unit).toString(16).padStart(4, '0')}`,
  ).join('')
}
