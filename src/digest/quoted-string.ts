const SPACE = 0x20
const DELETE = 0x7f

/** Whether a UTF-16 code unit is an ASCII control character: HTAB, CR, LF, NUL and DEL among them. */
export function isControl(code: number): boolean {
  return code < SPACE || code === DELETE
}

/**
 * Writes a text as a quoted-string, RFC 9110 section 5.6.4, with quotes and backslashes escaped.
 * Throws a RangeError for a control character: none may stand in one, and CR LF would begin another header.
 */
export function quote(text: string): string {
  let escapes = false
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (isControl(code)) throw new RangeError('a quoted-string can hold no control character')
    if (code === 0x22 || code === 0x5c) escapes = true
  }
  return escapes ? `"${text.replace(/["\\]/g, '\\$&')}"` : `"${text}"`
}
