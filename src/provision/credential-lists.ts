import type pg from 'pg'
import type { HashAlgorithm } from '../digest/algorithm.js'
import { Refusal } from '../errors.js'
import { normalizeRealm } from '../names.js'
import { createSid } from '../sid.js'
import { type Account, lockAccount } from '../store/accounts.js'
import { appendAudit } from '../store/audit.js'
import {
  type CredentialList,
  countCredentialLists,
  deleteCredentialList,
  findCredentialList,
  insertCredentialList,
  lockCredentialList,
  updateCredentialList,
} from '../store/credential-lists.js'
import { countCredentials, deleteListCredentials } from '../store/credentials.js'
import { inTransaction, violatedForeignKey, violatedUnique } from '../store/database.js'
import { isCredentialListMapped } from '../store/domain-mappings.js'
import { appendChange, type Change, drawVersion } from '../store/outbox.js'
import { claimRealm, countRealmLists, deleteUnusedRealm, lockRealm, updateRealmAlgorithms } from '../store/realms.js'
import { describeAlteration } from './alteration.js'
import { isFreeForRealm } from './free-names.js'
import { watchingOffer } from './realm-offer.js'
import type { WriteDeps } from './write-deps.js'

/** Lists that an account may have, Twilio's limit (error 21239). */
export const LISTS_PER_ACCOUNT_MAX = 100

export type CredentialListProvision = ReturnType<typeof createCredentialListProvision>

export type NewCredentialListInput = {
  readonly friendlyName: string
  readonly realm?: string | undefined
  readonly algorithms?: readonly HashAlgorithm[] | undefined
}

export type CredentialListChange = {
  readonly friendlyName?: string | undefined
  /** Only while the list is empty: HA1s are made with the realm. */
  readonly realm?: string | undefined
  /** What the realm's challenges offer, in this order; null for the server's default. */
  readonly algorithms?: readonly HashAlgorithm[] | null | undefined
}

/** Credentials that are deleted in one transaction. */
const SLICE = 1_000

/** Writes of credential lists. Locks are taken in one order everywhere: account, list, realm, user name, names. */
export function createCredentialListProvision({ pool, publisher, sipDomain, author }: WriteDeps) {
  /**
   * A realm other than an account's own is a name like a domain's. Asked last, when the realm is claimed: whoever has
   * the lock of all names waits for nothing any more.
   */
  async function takeName(tx: pg.PoolClient, accountSid: string, realm: string): Promise<void> {
    if (await isFreeForRealm(tx, { accountSid, name: realm, sipDomain })) return
    throw new Refusal('realm_taken', 'Realm', "is, or lies above or under, another account's domain")
  }

  /** Takes the realm for the account, or refuses; sets what it offers where that is asked for. */
  async function enterRealm(
    tx: pg.PoolClient,
    account: Account,
    wanted: string,
    algorithms: readonly HashAlgorithm[] | null | undefined,
    listsAlready: number,
  ): Promise<Change[]> {
    const { sid: accountSid } = account
    const realm = await claimRealm(tx, normalizeRealm(wanted), accountSid)
    if (realm.accountSid !== accountSid) throw new Refusal('realm_taken', 'Realm', 'belongs to another account')
    if (algorithms === undefined || algorithms?.join() === realm.algorithms?.join()) {
      // A realm that is new says of itself that its account is not active.
      return account.status === 'active' ? [] : [await offer(tx, realm.realm, realm.algorithms)]
    }
    // A challenge comes before the user is known, so lists that share a realm share its challenges.
    if ((await countRealmLists(tx, realm.realm)) > listsAlready) {
      throw new Refusal('invalid', 'Algorithms', 'must be those of the other lists in the same realm')
    }
    return [await offer(tx, realm.realm, algorithms ?? undefined)]
  }

  async function offer(
    tx: pg.PoolClient,
    realm: string,
    algorithms: readonly HashAlgorithm[] | undefined,
  ): Promise<Change> {
    const version = await drawVersion(tx)
    await updateRealmAlgorithms(tx, realm, algorithms, version)
    return appendChange(tx, { kind: 'realm', realm }, version)
  }

  async function leaveRealm(tx: pg.PoolClient, realm: string): Promise<Change[]> {
    if (!(await deleteUnusedRealm(tx, realm))) return []
    return [await appendChange(tx, { kind: 'realm', realm }, await drawVersion(tx))]
  }

  async function locked(tx: pg.PoolClient, accountSid: string, sid: string) {
    // A realm that is taken refers to its account, which a new list's writer has locked before that realm.
    const account = await lockAccount(tx, accountSid, 'share')
    const list = await lockCredentialList(tx, accountSid, sid)
    if (!account || !list)
      throw new Refusal('not_found', 'CredentialListSid', 'names no credential list of this account')
    return { list, account }
  }

  async function insertNew(
    tx: pg.PoolClient,
    accountSid: string,
    { friendlyName, realm: wanted, algorithms }: NewCredentialListInput,
    listsMax: number,
  ): Promise<{ list: CredentialList; changes: Change[] }> {
    const account = await lockAccount(tx, accountSid, 'update')
    if (!account) throw new Refusal('not_found', 'AccountSid', 'names no account')
    if ((await countCredentialLists(tx, accountSid)) >= listsMax) {
      throw new Refusal('too_many_lists', 'CredentialLists', `are limited to ${listsMax} an account`)
    }
    const realm = normalizeRealm(wanted ?? account.realm)
    const changes = await enterRealm(tx, account, realm, algorithms, 0)
    const sid = createSid('credentialList')
    await insertCredentialList(tx, { sid, accountSid, friendlyName, realm })
    if (realm !== account.realm) await takeName(tx, accountSid, realm)
    const list = (await findCredentialList(tx, accountSid, sid)) as CredentialList
    const action = 'credential_list.create'
    await appendAudit(tx, author, { accountSid, action, resourceSid: sid, detail: audited(list) })
    return { list, changes }
  }

  async function deleteSlice(tx: pg.PoolClient, accountSid: string, sid: string, deletedBefore: number) {
    const { list } = await locked(tx, accountSid, sid)
    // The foreign key would say so too, after all credentials are deleted: there may be a million.
    if (await isCredentialListMapped(tx, sid)) throw inUse()
    await lockRealm(tx, list.realm, 'update')
    const { result, changes } = await watchingOffer(tx, list.realm, () => deleteListCredentials(tx, sid, SLICE))
    const deleted = result.length
    if (deleted === SLICE) return { isLast: false, deleted, changes: [...result, ...changes] }
    await deleteCredentialList(tx, sid)
    const detail = { ...audited(list), credentials: deletedBefore + deleted }
    await appendAudit(tx, author, { accountSid, action: 'credential_list.delete', resourceSid: sid, detail })
    return { isLast: true, deleted, changes: [...result, ...changes, ...(await leaveRealm(tx, list.realm))] }
  }

  return {
    /** Creates a list, unless the account has `listsMax` already; without a realm it lies in its account's own. */
    async create(
      accountSid: string,
      input: NewCredentialListInput,
      listsMax = LISTS_PER_ACCOUNT_MAX,
    ): Promise<CredentialList> {
      const { list, changes } = await inTransaction(pool, (tx) => insertNew(tx, accountSid, input, listsMax)).catch(
        refuseTakenName,
      )
      await publisher.publish(changes)
      return list
    },

    /** Refuses what `create` would refuse, and leaves everything as it was. */
    async rehearse(accountSid: string, input: NewCredentialListInput, listsMax = LISTS_PER_ACCOUNT_MAX): Promise<void> {
      const undone = new Error('rolled back')
      const rehearsal = inTransaction(pool, async (tx) => {
        await insertNew(tx, accountSid, input, listsMax)
        throw undone
      })
      await rehearsal.catch((error) => (error === undone ? undefined : refuseTakenName(error)))
    },

    /** Changes name, realm and what the realm offers; undefined leaves what is there. Nothing is written for nothing. */
    async update(accountSid: string, sid: string, change: CredentialListChange): Promise<CredentialList> {
      const { list, changes } = await inTransaction(pool, async (tx) => {
        const { list: before, account } = await locked(tx, accountSid, sid)
        const realm = change.realm === undefined ? before.realm : normalizeRealm(change.realm)
        const moves = realm !== before.realm
        if (moves && (await countCredentials(tx, sid, 1)) > 0) {
          throw new Refusal('realm_fixed', 'Realm', 'is fixed once the list holds a credential')
        }
        if (moves && (await isCredentialListMapped(tx, sid))) {
          throw new Refusal('realm_fixed', 'Realm', 'is fixed while a domain uses the list')
        }
        // Two realms are locked in the order of their names: another list may be moving the other way.
        if (before.realm < realm) await lockRealm(tx, before.realm, 'update')
        const entered = await enterRealm(tx, account, realm, change.algorithms, moves ? 0 : 1)
        if (before.realm > realm) await lockRealm(tx, before.realm, 'update')
        const { friendlyName = before.friendlyName } = change
        const isSame = !moves && friendlyName === before.friendlyName && entered.length === 0
        if (isSame) return { list: before, changes: [] }
        await updateCredentialList(tx, sid, { friendlyName, realm })
        const left = moves ? await leaveRealm(tx, before.realm) : []
        if (moves && realm !== account.realm) await takeName(tx, accountSid, realm)
        const after = (await findCredentialList(tx, accountSid, sid)) as CredentialList
        const detail = describeAlteration(audited(before), audited(after))
        await appendAudit(tx, author, { accountSid, action: 'credential_list.update', resourceSid: sid, detail })
        return { list: after, changes: [...entered, ...left] }
      }).catch(refuseTakenName)
      await publisher.publish(changes)
      return list
    },

    /**
     * Deletes a list with all its credentials, and frees its realm where nobody else needs it; one that a domain uses
     * stays. A big one goes slice by slice, each a transaction of its own: where that is interrupted, what is left of
     * the list stays, and the next deletion goes on.
     */
    async delete(accountSid: string, sid: string): Promise<void> {
      for (let credentials = 0; ; ) {
        const slice = await inTransaction(pool, (tx) => deleteSlice(tx, accountSid, sid, credentials)).catch(refuseUsed)
        await publisher.publish(slice.changes)
        if (slice.isLast) return
        credentials += slice.deleted
        // The embedded database answers without ever going back to the event loop.
        await new Promise((resolve) => setImmediate(resolve))
      }
    },
  }
}

/** What the audit trail shows of a list. */
function audited({ friendlyName, realm, algorithms }: CredentialList) {
  return { friendlyName, realm, algorithms: algorithms ?? null }
}

function refuseTakenName(error: unknown): never {
  if (violatedUnique(error) !== 'credential_lists_friendly_name_key') throw error
  throw new Refusal('friendly_name_taken', 'FriendlyName', 'is taken by another credential list of this account')
}

function refuseUsed(error: unknown): never {
  if (violatedForeignKey(error) !== 'domain_credential_lists_list_fkey') throw error
  throw inUse()
}

function inUse(): Refusal {
  return new Refusal('list_in_use', 'CredentialListSid', 'names a list that a domain uses')
}
