/**
 * The characters that user names and realms are made of. Both end up in SIP headers, Redis keys and logs, so nothing
 * that separates or quotes there is in either.
 */

const USERNAME = /^[A-Za-z0-9\-_.!~*()&=+$,;?/@#%]{1,64}$/
const REALM =
  /^(?=.{1,128}$)[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$/

/** Longest user name that any dialect takes, in characters. */
export const USERNAME_LENGTH_MAX = 64

/** Longest realm, in characters. */
export const REALM_LENGTH_MAX = 128

/** The rule for user names as a regular expression, with and without the flag `u` alike. */
export const USERNAME_PATTERN = USERNAME.source

/** The rule for user names, in words fit for an error message. */
export const USERNAME_RULE = 'ASCII letters, digits and - _ . ! ~ * ( ) & = + $ , ; ? / @ # %'

/** The rule for realms, in words fit for an error message. */
export const REALM_RULE = `a host name of at most ${REALM_LENGTH_MAX} characters`

/** Whether a user name may exist at all. Case matters; nothing is trimmed or decoded. */
export function isUsername(text: string): boolean {
  return USERNAME.test(text)
}

/** Whether a realm may exist at all: a host name (RFC 1123 section 2.1). */
export function isRealm(text: string): boolean {
  return REALM.test(text)
}

/**
 * Whether a SIP domain may have this name: what a realm may, but for what looks like an IPv4 address. "The highest-level
 * component label will be alphabetic" (RFC 1123 section 2.1).
 */
export function isDomainName(text: string): boolean {
  return isRealm(text) && !/(?:^|\.)[0-9]+$/.test(text)
}

/** The form in which realms and host names are compared, stored, challenged and shown. */
export function normalizeRealm(text: string): string {
  return text.toLowerCase()
}

/** Whether a host name lies under another; both in lower case. */
export function liesUnder(name: string, other: string): boolean {
  return name.endsWith(`.${other}`)
}

/** Whether a host name has one label only, as a top-level domain has. */
export function isOneLabel(name: string): boolean {
  return !name.includes('.')
}

/** A host name and those above it: `a.b.c`, `b.c`, `c`. */
export function namesAbove(name: string): string[] {
  const labels = name.split('.')
  return labels.map((_, index) => labels.slice(index).join('.'))
}
