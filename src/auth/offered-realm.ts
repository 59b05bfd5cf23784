import { createRecent } from '../digest/recent.js'
import { normalizeRealm } from '../names.js'

/** Longest realm that is put into a challenge, in characters. */
const CHALLENGED_LENGTH_MAX = 255

/** Printable ASCII but for quotes and backslashes. */
const CHALLENGEABLE = /^[ !#-[\]-~]+$/

/** Realms asked for lately that are remembered, at least. */
const RECENT = 500

const recent = createRecent<string>(RECENT)
let last = { text: '', realm: '' }

/**
 * The realm in the form in which it is challenged: lower case; undefined where no header could hold it. Hosts that
 * are no host names are challenged too, and never authenticate: IPv6 addresses, names with an underscore.
 *
 * Few realms are in use, and each is asked for again and again. What was answered before is answered with the very same
 * string, of which V8 has computed already what its Maps look it up by.
 */
export function toChallengedRealm(text: string): string | undefined {
  if (text === last.text && text !== '') return last.realm
  if (text.length > CHALLENGED_LENGTH_MAX || !CHALLENGEABLE.test(text)) return undefined
  const realm = recent.get(text) ?? remember(text)
  last = { text: realm === text ? realm : text, realm }
  return realm
}

/** As texts of their own: one that was cut out of a request would keep all of that. */
function remember(text: string): string {
  const kept = Buffer.from(text, 'latin1').toString('latin1')
  const realm = normalizeRealm(kept)
  recent.put(kept, realm)
  return realm
}
