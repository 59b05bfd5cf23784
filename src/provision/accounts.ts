import { createHash } from 'node:crypto'
import { Refusal } from '../errors.js'
import { normalizeRealm } from '../names.js'
import { createAuthId, createSid, createToken } from '../sid.js'
import { beginAccountSweep } from '../store/account-sweeps.js'
import {
  type Account,
  type AccountStatus,
  findAccount,
  insertAccount,
  lockAccount,
  updateAccount,
  updateTokenHash,
} from '../store/accounts.js'
import { appendAudit } from '../store/audit.js'
import { inTransaction } from '../store/database.js'
import { findAccountDomains, touchDomains } from '../store/domain-versions.js'
import { hasMoreCredentials, touchAccountCredentials } from '../store/many-credentials.js'
import type { Change } from '../store/outbox.js'
import { claimRealm, touchAccountRealms } from '../store/realms.js'
import { describeAlteration } from './alteration.js'
import type { WriteDeps } from './write-deps.js'

export type AccountProvision = ReturnType<typeof createAccountProvision>

/** How a token is stored and compared: 128 random bits need no slow hash. */
export function hashToken(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}

/** Credentials that follow their account's status in the same transaction; more of them follow in slices. */
const TOUCHED_AT_ONCE_MAX = 500

/** Writes of accounts. */
export function createAccountProvision({ pool, publisher, sipDomain, author }: WriteDeps) {
  /** A host name must not hold the underscore of an `MA_…` id: Kamailio 5.6 answers 500 to it. */
  function defaultRealm(authId: string): string {
    return normalizeRealm(`${authId.replaceAll('_', '-')}.${sipDomain}`)
  }

  async function insert(sid: string, parentSid: string | undefined, friendlyName: string, token: string | undefined) {
    return inTransaction(pool, async (tx) => {
      const authId = createAuthId()
      const realm = defaultRealm(authId)
      const tokenHash = token === undefined ? undefined : hashToken(token)
      const isNew = await insertAccount(tx, { sid, authId, parentSid, friendlyName, tokenHash, realm })
      const account = (await findAccount(tx, sid)) as Account
      await claimRealm(tx, account.realm, sid)
      if (isNew) {
        const detail = { friendlyName, realm }
        await appendAudit(tx, author, { accountSid: sid, action: 'account.create', resourceSid: sid, detail })
      }
      return account
    })
  }

  return {
    /** Makes sure that the master account has its row; its token stays configuration. */
    ensureMaster: (sid: string): Promise<Account> => insert(sid, undefined, 'master', undefined),

    /** Creates an account below its parent. The token is in this answer and nowhere else. */
    async create(parentSid: string, friendlyName: string): Promise<{ account: Account; token: string }> {
      const token = createToken()
      return { account: await insert(createSid('account'), parentSid, friendlyName, token), token }
    },

    /**
     * Changes name and status; undefined leaves what is there. An account that is not active authenticates nowhere:
     * its realms and domains are marked, and its credentials lose their HA1s in the mirror, and get them back with its
     * reactivation.
     */
    async update(
      sid: string,
      change: { friendlyName?: string | undefined; status?: AccountStatus | undefined },
    ): Promise<Account> {
      const { account, changes } = await inTransaction(pool, async (tx) => {
        const before = await lockAccount(tx, sid, 'update')
        if (!before) throw new Refusal('not_found', 'AccountSid', 'names no account')
        const { status } = change
        if (status !== undefined && status !== before.status) {
          if (before.parentSid === undefined) throw new Refusal('invalid', 'Status', 'of the master account is fixed')
        }
        await updateAccount(tx, sid, change)
        const statusChanged = status !== undefined && status !== before.status
        const touched: Change[] = []
        if (statusChanged) {
          touched.push(...(await touchDomains(tx, await findAccountDomains(tx, sid))))
          touched.push(...(await touchAccountRealms(tx, sid)))
          // Realms and domains say it for every check; what proxies read of many users follows when this is answered.
          if (await hasMoreCredentials(tx, sid, TOUCHED_AT_ONCE_MAX)) await beginAccountSweep(tx, sid)
          else touched.push(...(await touchAccountCredentials(tx, sid)))
        }
        const account = (await findAccount(tx, sid)) as Account
        const detail = describeAlteration(audited(before), audited(account))
        await appendAudit(tx, author, { accountSid: sid, action: 'account.update', resourceSid: sid, detail })
        return { account, changes: touched }
      })
      await publisher.publish(changes)
      return account
    },

    /**
     * Gives an account below the master another token, which is in this answer and nowhere else. The one before stays
     * good for the overlap, in seconds; zero ends it at once.
     */
    async rotateToken(sid: string, overlapSeconds: number): Promise<RotatedToken> {
      const token = createToken()
      return inTransaction(pool, async (tx) => {
        const before = await lockAccount(tx, sid, 'update')
        if (!before) throw new Refusal('not_found', 'AccountSid', 'names no account')
        if (before.parentSid === undefined) {
          throw new Refusal('invalid', 'AccountSid', 'is that of the master account, whose token is configuration')
        }
        const previousUntil = await updateTokenHash(tx, sid, hashToken(token), overlapSeconds)
        const detail = { previousTokenUntil: previousUntil ?? null }
        await appendAudit(tx, author, { accountSid: sid, action: 'account.rotate_token', resourceSid: sid, detail })
        return { account: (await findAccount(tx, sid)) as Account, token, previousUntil }
      })
    },

    /** Writes down that the master has another token, together with `put`, which puts it into the configuration. */
    async rotateMasterToken(sid: string, put: () => Promise<void>): Promise<void> {
      await inTransaction(pool, async (tx) => {
        await appendAudit(tx, author, { accountSid: sid, action: 'account.rotate_token', resourceSid: sid })
        await put()
      })
    },
  }
}

/** An account's new token, and when the one before ends; undefined where it has ended. */
export type RotatedToken = {
  readonly account: Account
  readonly token: string
  readonly previousUntil: Date | undefined
}

/** What the audit trail shows of an account. */
function audited({ friendlyName, status }: Account) {
  return { friendlyName, status }
}
