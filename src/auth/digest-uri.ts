/**
 * Whether the digest's `uri` names the resource that the request is for (RFC 3261 section 22.4). Scheme and host are
 * compared without case, the user part with it, the default port as if it stood there; parameters and headers, which
 * proxies add and take away, are left out.
 */
export function namesSameResource(digestUri: string, requestUri: string): boolean {
  if (digestUri === requestUri) return true
  const a = readUri(digestUri)
  const b = readUri(requestUri)
  return a !== undefined && b !== undefined && a === b
}

const SCHEME = /^(sips?):/i
const HOST_PORT = /^(\[[^\]]*\]|[^:;?@[\]]*)(?::(\d{1,5}))?(?:[;?].*)?$/
const DEFAULT_PORTS: Readonly<Record<string, string>> = { sip: '5060', sips: '5061' }

function readUri(uri: string): string | undefined {
  const scheme = SCHEME.exec(uri)?.[1]?.toLowerCase()
  if (scheme === undefined) return undefined
  const rest = uri.slice(scheme.length + 1)
  const at = rest.lastIndexOf('@') // a user name may hold others
  const [, host, port] = HOST_PORT.exec(rest.slice(at + 1)) ?? []
  if (host === undefined) return undefined
  // A password in the user part is never part of an identity; parameters of the user part (RFC 4967) are.
  const user = rest.slice(0, Math.max(at, 0)).split(':', 1)[0] ?? ''
  return [scheme, user, host.toLowerCase(), port ?? DEFAULT_PORTS[scheme]].join('\n')
}
