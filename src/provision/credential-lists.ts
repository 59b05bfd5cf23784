import type pg from 'pg'
import type { HashAlgorithm } from '../digest/algorithm.js'
import { Refusal } from '../errors.js'
import { normalizeRealm } from '../names.js'
import { createSid } from '../sid.js'
import { lockAccount } from '../store/accounts.js'
import { appendAudit } from '../store/audit.js'
import {
  type CredentialList,
  countCredentialLists,
  findCredentialList,
  insertCredentialList,
  updateCredentialList,
} from '../store/credential-lists.js'
import { countCredentials } from '../store/credentials.js'
import { inTransaction, violatedUnique } from '../store/database.js'
import { isCredentialListMapped } from '../store/domain-mappings.js'
import type { Change } from '../store/outbox.js'
import { lockRealm } from '../store/realms.js'
import { describeAlteration } from './alteration.js'
import { createCredentialListDeletion } from './credential-list-deletion.js'
import { isFreeForRealm } from './free-names.js'
import { auditedList, holdCredentialList } from './held-list.js'
import { enterRealm, leaveRealm } from './realm-entry.js'
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
    await appendAudit(tx, author, { accountSid, action, resourceSid: sid, detail: auditedList(list) })
    return { list, changes }
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
        const { list: before, account } = await holdCredentialList(tx, accountSid, sid)
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
        const detail = describeAlteration(auditedList(before), auditedList(after))
        await appendAudit(tx, author, { accountSid, action: 'credential_list.update', resourceSid: sid, detail })
        return { list: after, changes: [...entered, ...left] }
      }).catch(refuseTakenName)
      await publisher.publish(changes)
      return list
    },

    delete: createCredentialListDeletion({ pool, publisher, author }),
  }
}

function refuseTakenName(error: unknown): never {
  if (violatedUnique(error) !== 'credential_lists_friendly_name_key') throw error
  throw new Refusal('friendly_name_taken', 'FriendlyName', 'is taken by another credential list of this account')
}
