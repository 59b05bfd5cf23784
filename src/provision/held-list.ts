import { Refusal } from '../errors.js'
import { type Account, lockAccount } from '../store/accounts.js'
import { type CredentialList, lockCredentialList } from '../store/credential-lists.js'
import type { Queryable } from '../store/database.js'

/** Locks the account and then its list, which nobody else changes or fills until the transaction ends; or refuses. */
export async function holdCredentialList(
  tx: Queryable,
  accountSid: string,
  sid: string,
): Promise<{ list: CredentialList; account: Account }> {
  // A realm that is taken refers to its account, which a new list's writer has locked before that realm.
  const account = await lockAccount(tx, accountSid, 'share')
  const list = await lockCredentialList(tx, accountSid, sid)
  if (!account || !list) throw new Refusal('not_found', 'CredentialListSid', 'names no credential list of this account')
  return { list, account }
}

/** What the audit trail shows of a list. */
export function auditedList({ friendlyName, realm, algorithms }: CredentialList) {
  return { friendlyName, realm, algorithms: algorithms ?? null }
}
