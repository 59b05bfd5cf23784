import type { HashAlgorithm } from '../digest/algorithm.js'
import { Refusal } from '../errors.js'
import { normalizeRealm } from '../names.js'
import type { Account } from '../store/accounts.js'
import type { Queryable } from '../store/database.js'
import { appendChange, type Change, drawVersion } from '../store/outbox.js'
import { claimRealm, countRealmLists, deleteUnusedRealm, updateRealmAlgorithms } from '../store/realms.js'

/**
 * Takes a realm for a list of the account, or refuses, and locks it; sets what it offers where that is asked for.
 * `listsAlready` is how many of its lists may be the one that asks. The caller has locked the account.
 */
export async function enterRealm(
  tx: Queryable,
  account: Pick<Account, 'sid' | 'status'>,
  wanted: string,
  algorithms: readonly HashAlgorithm[] | null | undefined,
  listsAlready: number,
): Promise<Change[]> {
  const realm = await claimRealm(tx, normalizeRealm(wanted), account.sid)
  if (realm.accountSid !== account.sid) throw new Refusal('realm_taken', 'Realm', 'belongs to another account')
  if (algorithms === undefined || algorithms?.join() === realm.algorithms?.join()) {
    // That its account is not active is something to say from the first on.
    const says = realm.isNew && account.status !== 'active'
    return says ? [await appendChange(tx, { kind: 'realm', realm: realm.realm }, realm.version)] : []
  }
  // A challenge comes before the user is known, so lists that share a realm share its challenges.
  if ((await countRealmLists(tx, realm.realm)) > listsAlready) {
    throw new Refusal('invalid', 'Algorithms', 'must be those of the other lists in the same realm')
  }
  return [await offer(tx, realm.realm, algorithms ?? undefined)]
}

async function offer(tx: Queryable, realm: string, algorithms: readonly HashAlgorithm[] | undefined): Promise<Change> {
  const version = await drawVersion(tx)
  await updateRealmAlgorithms(tx, realm, algorithms, version)
  return appendChange(tx, { kind: 'realm', realm }, version)
}

/** Frees a realm that nobody needs any more; the caller has locked it. */
export async function leaveRealm(tx: Queryable, realm: string): Promise<Change[]> {
  if (!(await deleteUnusedRealm(tx, realm))) return []
  return [await appendChange(tx, { kind: 'realm', realm }, await drawVersion(tx))]
}
