import type { Ha1Field, StoredHa1s } from '../credential.js'
import { ALGORITHMS } from '../digest/algorithm.js'
import { isRealm, isUsername, normalizeRealm, REALM_RULE, USERNAME_LENGTH_MAX, USERNAME_RULE } from '../names.js'
import { computeHa1s } from '../provision/ha1s.js'
import type { ImportInput } from '../provision/imports.js'
import type { SourceRow } from './source-row.js'

/** Longest password, in characters; no other rule counts for passwords that are in use already. */
const PASSWORD_LENGTH_MAX = 256

/** Longest description, in characters. */
const DESCRIPTION_LENGTH_MAX = 255

/** How many hex digits an HA1 has. */
const HA1_LENGTHS: Readonly<Record<Ha1Field, number>> = {
  ha1: ALGORITHMS.MD5.hexLength,
  ha1b: ALGORITHMS.MD5.hexLength,
  ha1_sha256: ALGORITHMS['SHA-256'].hexLength,
  ha1b_sha256: ALGORITHMS['SHA-256'].hexLength,
  ha1_sha512_256: ALGORITHMS['SHA-512-256'].hexLength,
  ha1b_sha512_256: ALGORITHMS['SHA-512-256'].hexLength,
}

const FLAGS: Readonly<Record<string, boolean>> = { true: true, t: true, 1: true, false: false, f: false, 0: false }

/** A row that may become a credential, apart from where it is to go. Its realm is in lower case. */
export type Candidate = { readonly realm: string; readonly input: ImportInput }

/** Why a row is refused: a sentence about the row, without anything secret. */
export type Refused = { readonly refused: string }

/** Realms given on the command line: one for all rows, or one for those that have none. */
export type RealmChoice = { readonly always?: string | undefined; readonly otherwise?: string | undefined }

/** Checks a row, and makes its HA1s where it has a clear password; that ends here. */
export function toCandidate(row: SourceRow, choice: RealmChoice): Candidate | Refused {
  const { username, password, description } = row
  const spelled = choice.always ?? (row.realm || choice.otherwise || '')
  const realm = normalizeRealm(spelled)
  const enabled = row.enabled === '' ? undefined : FLAGS[row.enabled.toLowerCase()]
  if (username === '') return { refused: 'has no user name' }
  if (!isUsername(username)) {
    return { refused: `its user name is not 1 to ${USERNAME_LENGTH_MAX} characters out of ${USERNAME_RULE}` }
  }
  if (spelled === '') return { refused: 'has no realm: --default-realm or --realm gives one' }
  if (!isRealm(spelled)) return { refused: `its realm is not ${REALM_RULE}` }
  // PostgreSQL holds no NUL.
  if ([row.list, row.account, description ?? '', password?.reveal() ?? ''].some((text) => text.includes('\0'))) {
    return { refused: 'holds a NUL' }
  }
  if (row.enabled !== '' && enabled === undefined) return { refused: 'its column enabled is neither true nor false' }
  if (description !== undefined && [...description].length > DESCRIPTION_LENGTH_MAX) {
    return { refused: `its description exceeds ${DESCRIPTION_LENGTH_MAX} characters` }
  }
  // `user@domain` of another domain than the realm is no name that is accepted here.
  const isOwnDomain = row.realm === '' || normalizeRealm(row.realm) === realm
  const given = isOwnDomain ? row.ha1s : withoutUserAtRealm(row.ha1s)
  const ha1s = password === undefined ? readHa1s(given, spelled) : makeHa1s(username, spelled, password.reveal(), given)
  return 'refused' in ha1s ? ha1s : { realm, input: { username, ha1s, enabled, description } }
}

type GivenHa1s = SourceRow['ha1s']

function withoutUserAtRealm({ ha1, ha1_sha256, ha1_sha512_256 }: GivenHa1s): GivenHa1s {
  return Object.fromEntries(Object.entries({ ha1, ha1_sha256, ha1_sha512_256 }).filter(([, value]) => value))
}

/** The HA1s themselves, in lower case. */
function readHa1s(given: GivenHa1s, spelled: string): StoredHa1s | Refused {
  const entries = Object.entries(given) as [Ha1Field, string][]
  const wrong = entries.find(([field, ha1]) => !isHa1(field, ha1))
  if (wrong) return { refused: `its ${wrong[0]} is not ${HA1_LENGTHS[wrong[0]]} hex digits` }
  const lower = Object.fromEntries(entries.map(([field, ha1]) => [field, ha1.toLowerCase()]))
  const { ha1 } = lower
  if (ha1 === undefined) return { refused: 'has neither a password nor an MD5 HA1' }
  if (spelled !== normalizeRealm(spelled)) {
    return { refused: 'its HA1 was made with upper-case letters in the realm, and challenges have none' }
  }
  return { ...lower, ha1 }
}

function isHa1(field: Ha1Field, text: string): boolean {
  return text.length === HA1_LENGTHS[field] && /^[0-9A-Fa-f]+$/.test(text)
}

/** All HA1s of a clear password; those that stand beside it must be of the same. */
function makeHa1s(username: string, spelled: string, password: string, given: GivenHa1s): StoredHa1s | Refused {
  if ([...password].length > PASSWORD_LENGTH_MAX) {
    return { refused: `its password exceeds ${PASSWORD_LENGTH_MAX} characters` }
  }
  // What a decoder puts in place of bytes that are no UTF-8.
  if (password.includes('\ufffd')) return { refused: 'its password is not UTF-8' }
  const realm = normalizeRealm(spelled)
  const made = computeHa1s(username, realm, password)
  const asSpelled = spelled === realm ? made : computeHa1s(username, spelled, password)
  for (const [field, ha1] of Object.entries(given) as [Ha1Field, string][]) {
    const lower = ha1.toLowerCase()
    if (lower !== made[field] && lower !== asSpelled[field]) return { refused: `its password and its ${field} differ` }
  }
  return made
}
