import { HA1_FIELDS } from '../credential.js'
import type { Authorization } from '../digest/authorization.js'
import { isRealm, isUsername } from '../names.js'
import type { CredentialSource, Ha1Record, Known, Lookup, NearReader } from './credential-source.js'

/** One way of asking: in the mirror first, or in the database alone. */
export type FindHa1 = CredentialSource['findHa1']

/**
 * Looks the digest's user name up as it stands, and where it is `user@realm` also as `user`: phones log in as either
 * (the stored user name itself may hold an @, and then comes first).
 */
export async function findCredential(
  { username, algorithm }: Pick<Authorization, 'username' | 'algorithm'>,
  realm: string,
  findHa1: FindHa1,
): Promise<Lookup<Ha1Record | undefined>> {
  const [userField, userAtRealmField] = HA1_FIELDS[algorithm]
  const suffix = `@${realm}`
  if (!username.endsWith(suffix)) return findNamed(findHa1, realm, username, userField)
  const [whole, user] = await Promise.all([
    findNamed(findHa1, realm, username, userField),
    findNamed(findHa1, realm, username.slice(0, -suffix.length), userAtRealmField),
  ])
  if (whole.origin === 'unavailable' || user.origin === 'unavailable') return { origin: 'unavailable' }
  return whole.value ? whole : user
}

/** The same among what is near: undefined where it does not suffice to tell. What cannot be a name is not held there. */
export function peekCredential(
  { username, algorithm }: Pick<Authorization, 'username' | 'algorithm'>,
  realm: string,
  near: NearReader,
): Known<Ha1Record> {
  const [userField, userAtRealmField] = HA1_FIELDS[algorithm]
  if (!username.includes('@')) return near.peekHa1(realm, username, userField)
  const whole = isUsername(username) ? near.peekHa1(realm, username, userField) : null
  const suffix = `@${realm}`
  if (whole !== null || !username.endsWith(suffix)) return whole
  return near.peekHa1(realm, username.slice(0, -suffix.length), userAtRealmField)
}

/** What cannot be a name is not looked up: it could be taken for another key, and it cannot exist. */
async function findNamed(findHa1: FindHa1, ...key: Parameters<FindHa1>): Promise<Lookup<Ha1Record | undefined>> {
  const [realm, username] = key
  if (!isRealm(realm) || !isUsername(username)) return { origin: 'database', value: undefined }
  return findHa1(...key)
}
