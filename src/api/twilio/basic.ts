/** What HTTP Basic carries: here the account's SID and its token. */
export type BasicCredentials = { readonly user: string; readonly password: string }

/** Reads an Authorization header field of the Basic scheme (RFC 7617 section 2); undefined for anything else. */
export function parseBasic(header: string | undefined): BasicCredentials | undefined {
  const [, encoded] = /^Basic +([A-Za-z0-9+/]+={0,2})$/i.exec(header ?? '') ?? []
  if (encoded === undefined) return undefined
  const decoded = Buffer.from(encoded, 'base64').toString('utf8')
  const colon = decoded.indexOf(':')
  return colon < 0 ? undefined : { user: decoded.slice(0, colon), password: decoded.slice(colon + 1) }
}
