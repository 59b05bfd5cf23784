import { normalizeRealm } from '../names.js'

/** Longest realm that is put into a challenge, in characters. */
const CHALLENGED_LENGTH_MAX = 255

/** Printable ASCII but for quotes and backslashes. */
const CHALLENGEABLE = /^[ !#-[\]-~]+$/

/**
 * The realm in the form in which it is challenged: lower case; undefined where no header could hold it. Hosts that
 * are no host names are challenged too, and never authenticate: IPv6 addresses, names with an underscore.
 */
export function toChallengedRealm(text: string): string | undefined {
  if (text.length > CHALLENGED_LENGTH_MAX || !CHALLENGEABLE.test(text)) return undefined
  return normalizeRealm(text)
}
