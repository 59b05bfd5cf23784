import { createHash, randomBytes } from 'node:crypto'
import type pg from 'pg'
import { equalInConstantTime } from '../digest/equal.js'
import { isSid } from '../sid.js'
import { type Account, findAccount, findTokenHash } from '../store/accounts.js'
import { Fault } from './fault.js'

/** The account that creates accounts: its token is configuration, given here as its SHA-256. */
export type Master = { readonly sid: string; readonly tokenHash: Buffer }

/** Decides who acts, and on which account. */
export type AccountAuth = {
  /** The account that these are the SID and the token of. Throws `unauthenticated`, or `account_inactive`. */
  authenticate(sid: string, token: string): Promise<Account>
  /**
   * The account to act on: oneself, or an account below oneself. Throws `unauthenticated` for the parent of whoever
   * acts, and `not_found` for all others, whether they exist or not.
   */
  reach(actor: Account, sid: string): Promise<Account>
}

/** Builds the decision over the accounts in the store. */
export function createAccountAuth({ pool, master }: { pool: pg.Pool; master: Master }): AccountAuth {
  // An unknown account is compared too, with a hash that no token has, so that it takes the same time.
  const decoy = randomBytes(32)

  async function tokenHashOf(sid: string): Promise<Buffer> {
    if (sid === master.sid) return master.tokenHash
    return (isSid('account', sid) ? await findTokenHash(pool, sid) : undefined) ?? decoy
  }

  return {
    async authenticate(sid, token) {
      const expected = await tokenHashOf(sid)
      const given = createHash('sha256').update(token).digest()
      const matches = equalInConstantTime(given.toString('hex'), expected.toString('hex'))
      const account = matches ? await findAccount(pool, sid) : undefined
      if (!account) throw unauthenticated()
      if (account.status !== 'active') throw new Fault('account_inactive', 'Account not active')
      return account
    },

    async reach(actor, sid) {
      if (sid === actor.sid) return actor
      if (sid === actor.parentSid) throw unauthenticated()
      const account = isSid('account', sid) ? await findAccount(pool, sid) : undefined
      if (account?.parentSid !== actor.sid) throw new Fault('not_found', 'Account not found')
      return account
    },
  }
}

/** The fault of a request without the right credentials. */
export function unauthenticated(): Fault {
  return new Fault('unauthenticated', 'Authenticate')
}
