/** The UUID (RFC 9562) of a credential: the 32 hex digits of its SID, with dashes. */
export function formatCredentialId(sid: string): string {
  return sid.slice(2).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/** The SID that a credential's UUID stands for, in either case (RFC 9562 section 4); undefined where it is none. */
export function parseCredentialId(id: string): string | undefined {
  const isUuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id)
  return isUuid ? `CR${id.replaceAll('-', '').toLowerCase()}` : undefined
}
