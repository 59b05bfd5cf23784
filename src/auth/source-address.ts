import ipaddr from 'ipaddr.js'

/**
 * What counts as one source: an IPv4 address, or the /64 that an IPv6 address lies in, since a host has all of that to
 * itself. Undefined where the text is no address. IPv6 may stand in brackets, as some proxies write it.
 */
export function toSource(text: string | undefined): string | undefined {
  const address = text?.replace(/^\[([^\]]*)\]$/, '$1')
  if (address === undefined || address.length > 64 || !ipaddr.isValid(address)) return undefined
  const parsed = ipaddr.process(address)
  if (parsed instanceof ipaddr.IPv6) return `${new ipaddr.IPv6([...parsed.parts.slice(0, 4), 0, 0, 0, 0])}/64`
  return parsed.toString()
}
