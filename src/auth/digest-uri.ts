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

const SIP_URI = /^(sips?):(?:([^@]*)@)?(\[[^\]]*\]|[^:;?@[\]]*)(?::(\d{1,5}))?(?:[;?].*)?$/i
const DEFAULT_PORTS: Readonly<Record<string, string>> = { sip: '5060', sips: '5061' }

function readUri(uri: string): string | undefined {
  const [, scheme, user, host, port] = SIP_URI.exec(uri) ?? []
  if (scheme === undefined || host === undefined) return undefined
  const lowered = scheme.toLowerCase()
  // A password in the user part is never part of an identity; parameters of the user part (RFC 4967) are.
  return [lowered, user?.split(':')[0] ?? '', host.toLowerCase(), port ?? DEFAULT_PORTS[lowered]].join('\n')
}
