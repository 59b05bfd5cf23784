const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Decodes percent-encoded text (RFC 3986 section 2.1) that came as bytes, one character a byte. Undefined where an
 * escape is cut short, where the bytes are not UTF-8, and where they hold NUL, which no text here may.
 */
export function decodePercent(bytes: string): string | undefined {
  if (/%(?![0-9A-Fa-f]{2})/.test(bytes)) return undefined
  const decoded = bytes.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  if (decoded.includes('\0')) return undefined
  try {
    return UTF8.decode(Buffer.from(decoded, 'latin1'))
  } catch {
    return undefined // the only thing that a fatal decoder throws for is bytes that are not UTF-8
  }
}
