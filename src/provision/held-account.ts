import { Refusal } from '../errors.js'
import { type Account, lockAccount } from '../store/accounts.js'
import type { Queryable } from '../store/database.js'

/**
 * Locks the account for a write of its domains or its IP lists. All of them take turns on it, so each sees what the
 * others left: counts hold, and no list is mapped or unmapped while another write asks which domains use it.
 */
export async function holdAccount(tx: Queryable, accountSid: string): Promise<Account> {
  const account = await lockAccount(tx, accountSid, 'update')
  if (!account) throw new Refusal('not_found', 'AccountSid', 'names no account')
  return account
}
