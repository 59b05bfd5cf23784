import type pg from 'pg'
import type { LoadedSecrets } from './secrets.js'
import { findMasterSids } from './store/accounts.js'

/**
 * What is wrong where the master that only DATA_DIR knows is none of this database, which has one already: it is most
 * likely the DATA_DIR that is the wrong one. Undefined where nothing is.
 */
export async function findStrayMaster(
  pool: pg.Pool,
  { secrets, kept, path }: LoadedSecrets,
): Promise<string | undefined> {
  if (!kept.includes('MASTER_ACCOUNT_SID')) return undefined
  const sids = await findMasterSids(pool)
  if (sids.length === 0 || sids.includes(secrets.masterAccountSid)) return undefined
  const rule = `is not set, and the one in ${path} is not the master of this database, which has one already`
  return `MASTER_ACCOUNT_SID ${rule}: give DATA_DIR or MASTER_… as its other servers have them`
}
