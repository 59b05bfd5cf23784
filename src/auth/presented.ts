import { type Authorization, parseAuthorization } from '../digest/authorization.js'
import { normalizeRealm } from '../names.js'

/** What the request's Authorization headers come to, for one realm. */
export type Presented =
  | { readonly kind: 'digest'; readonly authorization: Authorization }
  | { readonly kind: 'none' }
  | { readonly kind: 'unsupported' }
  | { readonly kind: 'malformed'; readonly detail: string }

/**
 * Picks the Authorization that counts: the one for `realm`, or without a realm the first one (RFC 3261 section 22.3:
 * a request may carry several for several realms). Two for one realm are malformed; so is any that cannot be read,
 * since it might have been the one. Empty values and `<null>`, Kamailio's spelling of an absent header, are none.
 */
export function pickAuthorization(values: readonly string[], realm: string | undefined): Presented {
  let picked: Presented = { kind: 'none' }
  for (const value of values) {
    const parsed = parseAuthorization(value)
    if (parsed.kind === 'malformed') {
      if (isNone(value)) continue
      return { kind: 'malformed', detail: `Authorization: ${parsed.detail}` }
    }
    if (parsed.kind === 'other_scheme') {
      if (picked.kind === 'none') picked = { kind: 'unsupported' }
      continue
    }
    const itsRealm = parsed.kind === 'digest' ? parsed.authorization.realm : parsed.realm
    if (realm !== undefined && itsRealm !== realm && normalizeRealm(itsRealm) !== realm) continue
    if (picked.kind === 'digest') {
      if (realm === undefined) continue
      return { kind: 'malformed', detail: 'Authorization: there must be one for each realm' }
    }
    picked = parsed.kind === 'digest' ? parsed : { kind: 'unsupported' }
  }
  return picked
}

/** Neither can be read as anything else, so only what could not be read need be looked at. */
function isNone(value: string): boolean {
  return value === '<null>' || value.trim() === ''
}
