import type { HashAlgorithm } from './algorithm.js'
import { quote } from './quoted-string.js'
import { createRecent } from './recent.js'

/** A quality of protection, RFC 7616 section 3.3. */
export type Qop = 'auth' | 'auth-int'

/** One challenge, RFC 7616 section 3.3; RFC 8760 section 2.3 sends one for each algorithm. */
export type Challenge = {
  readonly realm: string
  readonly nonce: string
  readonly algorithm: HashAlgorithm
  /** Offered in this order; empty: no qop parameter, for phones that know none (RFC 2069). */
  readonly qop: readonly Qop[]
  readonly stale: boolean
}

/** What stands before and behind the nonce in every challenge that is alike but for that. */
type Frame = Omit<Challenge, 'realm' | 'nonce'> & { readonly start: string; readonly end: string }

/** Realms whose frames are remembered, at least, how many of each at most, and how long a realm may be. */
const REALMS = 500
const FRAMES_MAX = 8
const REALM_LENGTH_MAX = 256

const frames = createRecent<Frame[]>(REALMS)

/**
 * The challenge as the value of a WWW-Authenticate or Proxy-Authenticate header.
 * Throws a RangeError where realm or nonce holds a control character.
 */
export function formatChallenge(challenge: Challenge): string {
  const { start, end } = findFrame(challenge) ?? makeFrame(challenge)
  return start + quote(challenge.nonce) + end
}

function findFrame({ realm, algorithm, qop, stale }: Challenge): Frame | undefined {
  for (const frame of frames.get(realm) ?? []) {
    if (frame.algorithm === algorithm && frame.stale === stale && frame.qop === qop) return frame
  }
  return undefined
}

function makeFrame({ realm, algorithm, qop, stale }: Challenge): Frame {
  const offered = qop.length === 0 ? '' : `, qop="${qop.join(',')}"`
  const marked = stale ? ', stale=true' : ''
  const start = `Digest realm=${quote(realm)}, nonce=`
  const frame = { algorithm, qop, stale, start, end: `${marked}, algorithm=${algorithm}${offered}` }
  const ofRealm = frames.get(realm)
  if (ofRealm === undefined && realm.length <= REALM_LENGTH_MAX) {
    // As a text of its own: one that was cut out of a request would keep all of that.
    frames.put(Buffer.from(realm, 'utf16le').toString('utf16le'), [frame])
  } else if (ofRealm !== undefined && ofRealm.length < FRAMES_MAX) {
    ofRealm.push(frame)
  }
  return frame
}
