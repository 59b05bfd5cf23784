import { createHash, randomBytes } from 'node:crypto'
import type pg from 'pg'
import { equalInConstantTime } from '../digest/equal.js'
import { isSid } from '../sid.js'
import { type Account, findAccount, findTokenHolder } from '../store/accounts.js'
import { Fault } from './fault.js'

/** The account that creates accounts: its tokens are configuration, given here as their SHA-256; all of them are good. */
export type Master = { readonly sid: string; readonly tokenHashes: readonly Buffer[] }

/** Decides who acts, and on which account. */
export type AccountAuth = {
  /** The account that these are the SID and the token of, active or not. Throws `unauthenticated`. */
  authenticate(sid: string, token: string): Promise<Account>
  /**
   * The account to act on: oneself, or an account below oneself. Throws `account_inactive` where whoever acts is not
   * active, `unauthenticated` for the parent of whoever acts, and `not_found` for all others, whether they exist or not.
   */
  reach(actor: Account, sid: string): Promise<Account>
}

/** Tokens that an account below the master can have at a time: its own, and the one before while that is good. */
const TOKENS_MAX = 2

/** Builds the decision over the accounts in the store; `equal` is the house's comparison. */
export function createAccountAuth(deps: {
  readonly pool: pg.Pool
  readonly master: Master
  readonly equal?: (a: string, b: string) => boolean
}): AccountAuth {
  const { pool, master, equal = equalInConstantTime } = deps
  // Whatever an account lacks is compared with a hash that no token has: an unknown account and a wrong token cost the
  // same question and the same comparisons.
  const decoy = randomBytes(32)
  const comparisons = Math.max(TOKENS_MAX, master.tokenHashes.length)

  function isOneOf(token: string, expected: readonly Buffer[]): boolean {
    const given = createHash('sha256').update(token).digest('hex')
    const padded = Array.from({ length: comparisons }, (_, index) => expected[index] ?? decoy)
    // Every one is compared, whichever fits.
    return padded.map((hash) => equal(given, hash.toString('hex'))).includes(true)
  }

  return {
    async authenticate(sid, token) {
      const holder = isSid('account', sid) ? await findTokenHolder(pool, sid) : undefined
      const expected = sid === master.sid ? master.tokenHashes : holder?.tokenHashes
      const matches = isOneOf(token, expected ?? [])
      if (!holder || !matches) throw new WrongCredentials()
      return holder.account
    },

    async reach(actor, sid) {
      if (actor.status !== 'active') throw new Fault('account_inactive', 'Account not active')
      if (sid === actor.sid) return actor
      if (sid === actor.parentSid) throw unauthenticated()
      const account = isSid('account', sid) ? await findAccount(pool, sid) : undefined
      if (account?.parentSid !== actor.sid) throw new Fault('not_found', 'Account not found')
      return account
    },
  }
}

/** The fault of a request that shows no credentials, or not those that it needs. */
export function unauthenticated(): Fault {
  return new Fault('unauthenticated', 'Authenticate')
}

/** The fault of credentials that are nobody's: a guess, where `unauthenticated` may be a client that waits to be asked. */
export class WrongCredentials extends Fault {
  constructor() {
    super('unauthenticated', 'Authenticate')
  }
}
