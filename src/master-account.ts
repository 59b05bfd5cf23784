import type pg from 'pg'
import { ConfigError } from './config.js'
import type { Provision } from './provision.js'
import type { LoadedSecrets } from './secrets.js'
import { findMasterSids } from './store/accounts.js'

/**
 * Makes sure that the master account has its row. A SID that only DATA_DIR knows is not made another master of a
 * database that has one already: it is the DATA_DIR that is the wrong one. Rejects with a `ConfigError` then.
 */
export async function ensureMasterAccount(deps: {
  readonly pool: pg.Pool
  readonly provision: Provision
  readonly loaded: LoadedSecrets
}): Promise<void> {
  const { pool, provision, loaded } = deps
  const { masterAccountSid } = loaded.secrets
  if (loaded.kept.includes('MASTER_ACCOUNT_SID')) {
    const sids = await findMasterSids(pool)
    if (sids.length > 0 && !sids.includes(masterAccountSid)) {
      const rule = `is not set, and the one in ${loaded.path} is not the master of this database, which has one already`
      throw new ConfigError([`MASTER_ACCOUNT_SID ${rule}: give DATA_DIR or MASTER_… as its other servers have them`])
    }
  }
  await provision.accounts.ensureMaster(masterAccountSid)
}
