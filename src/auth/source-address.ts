import ipaddr from 'ipaddr.js'

/** An address that a request came from. */
export type SourceAddress = ipaddr.IPv4 | ipaddr.IPv6

/** Longest text that can be an address with brackets, a zone and a port. */
const LENGTH_MAX = 64

const BRACKETED = /^\[([^\]]*)\](?::\d{1,5})?$/
const WITH_PORT = /^([^:]*):\d{1,5}$/

/**
 * Reads an address as proxies write it: IPv6 perhaps in brackets, either with a port, IPv6 with a zone (RFC 4007
 * section 11), which says nothing to others. An IPv4 address that is mapped into IPv6 (RFC 4291 section 2.5.5.2), as
 * sockets for both show it, is that IPv4 address. IPv4 is four plain decimal numbers: what some read as octal, or as one
 * number, is no address. Undefined where the text is none.
 */
export function parseSourceAddress(text: string | undefined): SourceAddress | undefined {
  if (text === undefined || text.length > LENGTH_MAX) return undefined
  const address = BRACKETED.exec(text)?.[1] ?? WITH_PORT.exec(text)?.[1] ?? text
  if (!ipaddr.IPv4.isValidFourPartDecimal(address) && !ipaddr.IPv6.isValid(address)) return undefined
  return ipaddr.process(address)
}

/**
 * What counts as one source: an IPv4 address, or the /64 that an IPv6 address lies in, since a host has all of that to
 * itself. Undefined where the text is no address.
 */
export function toSource(text: string | undefined): string | undefined {
  const address = parseSourceAddress(text)
  if (address instanceof ipaddr.IPv6) return `${new ipaddr.IPv6([...address.parts.slice(0, 4), 0, 0, 0, 0])}/64`
  return address?.toString()
}
