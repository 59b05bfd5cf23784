import { isRealm, isUsername } from '../names.js'
import { toSource } from './source-address.js'

/** Who tries: a user of a realm, and the source address; without a source nothing is throttled. */
export type Attempt = {
  /** In lower case. */
  readonly realm: string
  readonly username: string
  readonly sourceIp: string | undefined
}

/** What an attempt counts for, as named in the records of failures. */
export type Subjects = {
  /** IPv4 address, or /64 of IPv6. */
  readonly source: string
  /** Of letters that no log and no key takes for anything else; empty where it is no realm. */
  readonly realm: string
  /** Likewise; without its realm, where the phone logs in as `user@realm`. */
  readonly username: string
  /** One user from one source: `source|realm|username`. */
  readonly pair: string
}

/** Takes the name of a subject apart; without a realm and a user name where it is a source. */
export function readSubject(name: string): {
  readonly source: string
  readonly realm?: string
  readonly username?: string
} {
  const [source = '', realm, username] = name.split('|')
  return realm === undefined || username === undefined ? { source } : { source, realm, username }
}

/** Addresses of which the source is remembered: reading one costs more than all else that the throttle does. */
const ADDRESSES_MAX = 10_000

const NO_SOURCE = ''

/**
 * Names an attempt's subjects; undefined without a source. `user` and `user@realm` are one user, who has no second set
 * of guesses; what cannot be a user name is one subject for all, and so is what cannot be a realm, so that nobody fills
 * the records with names of his own making.
 */
export function createSubjects(): (attempt: Attempt) => Subjects | undefined {
  const sources = new Map<string, string>()
  /** Requests of one realm come one after the other, mostly, and the rule for realms is long. */
  let lastRealm = { given: '', named: '' }
  let last: { readonly attempt: Attempt; readonly subjects: Subjects | undefined } | undefined

  function sourceOf(address: string): string {
    const known = sources.get(address)
    if (known !== undefined) return known
    const source = toSource(address)
    if (source === undefined) return NO_SOURCE
    if (sources.size >= ADDRESSES_MAX) sources.clear()
    sources.set(address, source)
    return source
  }

  function subjectsOf({ realm: given, username: name, sourceIp }: Attempt): Subjects | undefined {
    const source = sourceIp === undefined ? NO_SOURCE : sourceOf(sourceIp)
    if (source === NO_SOURCE) return undefined
    const suffix = `@${given}`
    const user = name.endsWith(suffix) ? name.slice(0, -suffix.length) : name
    if (lastRealm.given !== given) lastRealm = { given, named: isRealm(given) ? given : '' }
    const realm = lastRealm.named
    const username = isUsername(user) ? user : ''
    return { source, realm, username, pair: `${source}|${realm}|${username}` }
  }

  return (attempt) => {
    // One check asks several times.
    if (!last || !isSame(last.attempt, attempt)) last = { attempt, subjects: subjectsOf(attempt) }
    return last.subjects
  }
}

function isSame(one: Attempt, other: Attempt): boolean {
  return one.username === other.username && one.sourceIp === other.sourceIp && one.realm === other.realm
}
