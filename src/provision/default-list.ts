import type pg from 'pg'
import type { Author } from '../author.js'
import { Refusal } from '../errors.js'
import { createSid } from '../sid.js'
import { lockAccount } from '../store/accounts.js'
import { appendAudit } from '../store/audit.js'
import { type CredentialList, holdCredentialListNamed, insertCredentialList } from '../store/credential-lists.js'

/** Name of the list that holds what is created without naming one. */
export const DEFAULT_LIST_NAME = 'default'

/**
 * Holds an account and its list `default` until the transaction ends. Where there is no such list yet, a `share` of the
 * account finds nothing, and `update` makes one in the account's own realm: nobody else writes in the account then, so
 * that of two first writers the second finds the first one's list. The limit of lists does not count here: who names no
 * list has no way of deleting one.
 */
export async function holdDefaultList(
  tx: pg.PoolClient,
  accountSid: string,
  strength: 'share' | 'update',
  author: Author,
): Promise<CredentialList | undefined> {
  const account = await lockAccount(tx, accountSid, strength)
  if (!account) throw new Refusal('not_found', 'AccountSid', 'names no account')
  const found = await holdCredentialListNamed(tx, accountSid, DEFAULT_LIST_NAME)
  if (found || strength === 'share') return found
  // An account's own realm is claimed with the account and stays its own.
  const { realm } = account
  const sid = createSid('credentialList')
  await insertCredentialList(tx, { sid, accountSid, friendlyName: DEFAULT_LIST_NAME, realm })
  const detail = { friendlyName: DEFAULT_LIST_NAME, realm }
  await appendAudit(tx, author, { accountSid, action: 'credential_list.create', resourceSid: sid, detail })
  return holdCredentialListNamed(tx, accountSid, DEFAULT_LIST_NAME)
}
