/** A SIP or SIPS URI, RFC 3261 section 19.1. */
export type SipUri = {
  readonly scheme: 'sip' | 'sips'
  /** User part as written, never percent-decoded, without a password. */
  readonly user: string | undefined
  /** Lower case; an IPv6 literal without its brackets. */
  readonly host: string
  readonly port: number | undefined
  /** From the first `;` or `?` on. */
  readonly tail: string
}

const HOST_PORT = /^(?:\[([0-9a-f:.]{2,45})\]|([a-z0-9\-._]{1,255}))(?::(\d{1,5}))?$/i

/**
 * Reads a URI whose characters have been screened (no blanks, quotes or angle brackets). Undefined for another scheme
 * or a host that is none. A user part may hold `@`: the last one ends it.
 */
export function parseUri(text: string): SipUri | undefined {
  const colon = text.indexOf(':')
  const scheme = text.slice(0, colon).toLowerCase()
  if (scheme !== 'sip' && scheme !== 'sips') return undefined
  const at = text.lastIndexOf('@')
  const rest = text.slice(Math.max(at, colon) + 1)
  const end = rest.search(/[;?]/)
  const match = HOST_PORT.exec(end < 0 ? rest : rest.slice(0, end))
  const host = match?.[1] ?? match?.[2]
  const port = match?.[3] === undefined ? undefined : Number(match[3])
  if (host === undefined || (port !== undefined && port > 65_535)) return undefined
  const user = at < 0 ? undefined : text.slice(colon + 1, at).split(':', 1)[0]
  return { scheme, user: user || undefined, host: host.toLowerCase(), port, tail: end < 0 ? '' : rest.slice(end) }
}

/**
 * The form in which contacts are compared (RFC 3261 section 19.1.4): scheme, host and parameters in lower case,
 * parameters in alphabetical order, needless escapes undone; the user part keeps its case. A parameter that only one of
 * two URIs has makes them differ, which is stricter than the section for those it does not know.
 */
export function comparableUri(uri: SipUri): string {
  const [parameters = '', headers = ''] = uri.tail === '' ? [] : uri.tail.split('?', 2)
  const sorted = parameters === '' ? '' : parameters.toLowerCase().split(';').filter(Boolean).sort().join(';')
  const user = uri.user === undefined ? '' : `${normalizeEscapes(uri.user)}@`
  const host = uri.host.includes(':') ? `[${uri.host}]` : uri.host
  const port = uri.port === undefined ? '' : `:${uri.port}`
  return `${uri.scheme}:${user}${host}${port};${sorted}?${normalizeEscapes(headers)}`
}

/** RFC 3261 section 19.1.4: outside the reserved characters, `%HH` is the character itself. */
function normalizeEscapes(text: string): string {
  if (!text.includes('%')) return text
  return text.replace(/%[0-9a-f]{2}/gi, (escaped) => {
    const character = String.fromCharCode(Number.parseInt(escaped.slice(1), 16))
    return /[A-Za-z0-9\-_.!~*'()]/.test(character) ? character : escaped.toUpperCase()
  })
}
