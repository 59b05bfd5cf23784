import type { Queryable } from '../store/database.js'
import { appendChange, type Change, drawVersion } from '../store/outbox.js'
import { findRealmOffers } from '../store/realm-offers.js'
import { touchRealm } from '../store/realms.js'

/**
 * Does work that may change which algorithms all users of a realm can answer, and says so where it did: the realm is
 * then challenged rightly from the commit on. The caller has locked the realm for update, so that of two such changes
 * the later sees what the earlier did.
 */
export async function watchingOffer<T>(
  tx: Queryable,
  realm: string,
  work: () => Promise<T>,
): Promise<{ result: T; changes: Change[] }> {
  const before = await findLacking(tx, realm)
  const result = await work()
  const after = await findLacking(tx, realm)
  if (before === after) return { result, changes: [] }
  const version = await drawVersion(tx)
  await touchRealm(tx, realm, version)
  return { result, changes: [await appendChange(tx, { kind: 'realm', realm }, version)] }
}

async function findLacking(tx: Queryable, realm: string): Promise<string> {
  const [found] = await findRealmOffers(tx, [realm])
  return found?.offer.lacking.join() ?? ''
}
