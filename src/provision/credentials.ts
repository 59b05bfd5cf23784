import type pg from 'pg'
import { Refusal } from '../errors.js'
import { createSid } from '../sid.js'
import { lockAccount } from '../store/accounts.js'
import { appendAudit } from '../store/audit.js'
import { type CredentialList, findCredentialList, lockCredentialList } from '../store/credential-lists.js'
import {
  countCredentials,
  deleteCredential,
  findCredential,
  insertCredential,
  lockUsername,
  type StoredCredential,
  updateCredential,
} from '../store/credentials.js'
import { inTransaction, violatedUnique } from '../store/database.js'
import { appendChange, type Change, drawVersion } from '../store/outbox.js'
import { lacksHa1s } from '../store/realm-offers.js'
import { lockRealm } from '../store/realms.js'
import { describeCredentialUpdate, identifyCredential } from './audited-credential.js'
import { holdDefaultList } from './default-list.js'
import { computeHa1s } from './ha1s.js'
import { watchingOffer } from './realm-offer.js'
import type { WriteDeps } from './write-deps.js'

export type CredentialProvision = ReturnType<typeof createCredentialProvision>

export type NewCredentialInput = {
  readonly username: string
  readonly password: string
  readonly enabled?: boolean | undefined
  readonly description?: string | undefined
}

/** A credential as it was written, and the change to be published. */
type Written = { readonly credential: StoredCredential; readonly change: Change }

/** A credential that is locked, and whether it lacks an HA1: then its realm is locked for update, else shared. */
type Held = { readonly credential: StoredCredential; readonly lacking: boolean }

export type CredentialUpdate = {
  readonly password?: string | undefined
  readonly enabled?: boolean | undefined
  readonly description?: string | undefined
}

/**
 * Writes of credentials. Locks are taken in one order everywhere: account, list, realm, user name; the version is
 * drawn when all are held.
 */
export function createCredentialProvision({ pool, publisher, author }: WriteDeps) {
  /** The account's status decides what is mirrored, so it must not change under a write. */
  async function holdAccount(tx: pg.PoolClient, accountSid: string): Promise<void> {
    const account = await lockAccount(tx, accountSid, 'share')
    if (!account) throw new Refusal('not_found', 'AccountSid', 'names no account')
  }

  async function holdCredential(tx: pg.PoolClient, accountSid: string, listSid: string, sid: string): Promise<Held> {
    await holdAccount(tx, accountSid)
    const list = known(await findCredentialList(tx, accountSid, listSid))
    // What is written to a credential that lacks an HA1 may change what its realm is challenged with.
    const lacked = await lacksHa1s(tx, sid)
    await lockRealm(tx, list.realm, lacked ? 'update' : 'share')
    const found = await findCredential(tx, listSid, sid)
    if (found) await lockUsername(tx, found.realm, found.username)
    // Read again: it may have changed, or gone, while the lock was waited for.
    const credential = found && (await findCredential(tx, listSid, sid))
    if (!credential) throw new Refusal('not_found', 'CredentialSid', 'names no credential of this list')
    const lacking = await lacksHa1s(tx, sid)
    // An import came in between; two that ask for more than they share are a deadlock, after which one begins anew.
    if (lacking && !lacked) await lockRealm(tx, list.realm, 'update')
    return { credential, lacking }
  }

  /** Does work on a credential that is held, and says anew what its realm can be challenged with where it lacks HA1s. */
  async function onHeld<T>(
    tx: pg.PoolClient,
    { credential, lacking }: Held,
    work: () => Promise<T>,
  ): Promise<{ result: T; changes: Change[] }> {
    return lacking ? watchingOffer(tx, credential.realm, work) : { result: await work(), changes: [] }
  }

  /** Writes a credential into a list that is held. */
  async function insert(tx: pg.PoolClient, list: CredentialList, input: NewCredentialInput): Promise<Written> {
    const { username, password, enabled = true, description = '' } = input
    const { sid: listSid, accountSid, realm } = list
    await lockRealm(tx, realm, 'share')
    await lockUsername(tx, realm, username)
    const version = await drawVersion(tx)
    const ha1s = computeHa1s(username, realm, password)
    const sid = createSid('credential')
    const row = { sid, listSid, accountSid, realm, username, enabled, description, ha1s, version }
    const credential = await insertCredential(tx, row)
    const detail = { ...identifyCredential(credential), enabled }
    await appendAudit(tx, author, { accountSid, action: 'credential.create', resourceSid: sid, detail })
    return { credential, change: await appendChange(tx, { kind: 'credential', realm, username }, version) }
  }

  async function publish({ credential, change }: Written): Promise<StoredCredential> {
    await publisher.publish([change])
    return credential
  }

  return {
    /** Creates a credential in a list; refused where the list holds `listMax` already, undefined being no limit. */
    async create(
      accountSid: string,
      listSid: string,
      input: NewCredentialInput,
      listMax?: number,
    ): Promise<StoredCredential> {
      const written = await inTransaction(pool, async (tx) => {
        await holdAccount(tx, accountSid)
        // To be counted, a list must be one writer's alone.
        const strength = listMax === undefined ? 'share' : 'update'
        const list = known(await lockCredentialList(tx, accountSid, listSid, strength))
        if (listMax !== undefined && (await countCredentials(tx, listSid, listMax)) >= listMax) {
          throw new Refusal('too_many_credentials', 'Credentials', `are limited to ${listMax} a list`)
        }
        return insert(tx, list, input)
      }).catch(refuseTakenName)
      return publish(written)
    },

    /** Creates a credential in the account's list named `default`, which appears with the first one. */
    async createInDefault(accountSid: string, input: NewCredentialInput): Promise<StoredCredential> {
      const write = (strength: 'share' | 'update') =>
        inTransaction(pool, async (tx) => {
          const list = await holdDefaultList(tx, accountSid, strength, author)
          return list && insert(tx, list, input)
        }).catch(refuseTakenName)
      const written = (await write('share')) ?? (await write('update'))
      return publish(written as Written)
    },

    /**
     * Changes password, enabled and description; undefined leaves what is there. Nothing is written for nothing; a
     * password is always something.
     */
    async update(
      accountSid: string,
      listSid: string,
      sid: string,
      { password, enabled, description }: CredentialUpdate,
    ): Promise<StoredCredential> {
      const { credential, changes } = await inTransaction(pool, async (tx) => {
        const held = await holdCredential(tx, accountSid, listSid, sid)
        const { realm, username } = held.credential
        const isSame =
          password === undefined &&
          (enabled ?? held.credential.enabled) === held.credential.enabled &&
          (description ?? held.credential.description) === held.credential.description
        if (isSame) return { credential: held.credential, changes: [] }
        const ha1s = password === undefined ? undefined : computeHa1s(username, realm, password)
        const version = await drawVersion(tx)
        const written = await onHeld(tx, held, () => updateCredential(tx, sid, version, { ha1s, enabled, description }))
        const after = written.result
        const detail = { ...describeCredentialUpdate(held.credential, after), ...(ha1s && { password: true }) }
        await appendAudit(tx, author, { accountSid, action: 'credential.update', resourceSid: sid, detail })
        const change = await appendChange(tx, { kind: 'credential', realm, username }, version)
        return { credential: after, changes: [change, ...written.changes] }
      })
      await publisher.publish(changes)
      return credential
    },

    async delete(accountSid: string, listSid: string, sid: string): Promise<void> {
      const changes = await inTransaction(pool, async (tx) => {
        const held = await holdCredential(tx, accountSid, listSid, sid)
        const { realm, username } = held.credential
        const deleted = await onHeld(tx, held, () => deleteCredential(tx, sid))
        const detail = identifyCredential(held.credential)
        await appendAudit(tx, author, { accountSid, action: 'credential.delete', resourceSid: sid, detail })
        const change = await appendChange(tx, { kind: 'credential', realm, username }, await drawVersion(tx))
        return [change, ...deleted.changes]
      })
      await publisher.publish(changes)
    },
  }
}

function known(list: CredentialList | undefined): CredentialList {
  if (!list) throw new Refusal('not_found', 'CredentialListSid', 'names no credential list of this account')
  return list
}

function refuseTakenName(error: unknown): never {
  if (violatedUnique(error) !== 'credentials_username_key') throw error
  throw new Refusal('username_taken', 'Username', 'is taken by another credential of this realm')
}
