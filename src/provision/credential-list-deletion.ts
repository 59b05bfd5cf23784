import { Refusal } from '../errors.js'
import { appendAudit } from '../store/audit.js'
import { deleteCredentialList } from '../store/credential-lists.js'
import { inTransaction, type Queryable, violatedForeignKey } from '../store/database.js'
import { isCredentialListMapped } from '../store/domain-mappings.js'
import { deleteListCredentials } from '../store/many-credentials.js'
import type { Change } from '../store/outbox.js'
import { lockRealm } from '../store/realms.js'
import { auditedList, holdCredentialList } from './held-list.js'
import { leaveRealm } from './realm-entry.js'
import { watchingOffer } from './realm-offer.js'
import type { WriteDeps } from './write-deps.js'

/** Credentials that one transaction deletes. A list may hold a million, and others want the database meanwhile. */
const SLICE = 1_000

/** How far a deletion has come: credentials deleted, and the place of the last one. */
type Progress = { readonly credentials: number; readonly upTo: string }

/** What a transaction left; `progress` is undefined once the list itself is gone. */
type Slice = { readonly changes: readonly Change[]; readonly progress: Progress | undefined }

/** Deletes lists. Locks: account, list, realm, then credentials in their order. */
export function createCredentialListDeletion({ pool, publisher, author }: Omit<WriteDeps, 'sipDomain'>) {
  async function deleteSlice(tx: Queryable, accountSid: string, sid: string, done: Progress): Promise<Slice> {
    const { list } = await holdCredentialList(tx, accountSid, sid)
    // The foreign key would say so too, after all credentials are deleted: there may be a million.
    if (await isCredentialListMapped(tx, sid)) throw inUse()
    await lockRealm(tx, list.realm, 'update')
    const { result, changes } = await watchingOffer(tx, list.realm, () =>
      deleteListCredentials(tx, sid, done.upTo, SLICE),
    )
    const [deleted, entry] = [result.changes.length, { accountSid, resourceSid: sid }]
    if (result.lastSeq !== undefined && deleted === SLICE) {
      const detail = { ...auditedList(list), credentials: deleted }
      await appendAudit(tx, author, { ...entry, action: 'credential_list.delete_credentials', detail })
      const progress = { credentials: done.credentials + deleted, upTo: result.lastSeq }
      return { changes: [...result.changes, ...changes], progress }
    }
    await deleteCredentialList(tx, sid)
    const detail = { ...auditedList(list), credentials: done.credentials + deleted }
    await appendAudit(tx, author, { ...entry, action: 'credential_list.delete', detail })
    return { changes: [...result.changes, ...changes, ...(await leaveRealm(tx, list.realm))], progress: undefined }
  }

  /**
   * Deletes a list with all its credentials, and frees its realm where nobody else needs it; one that a domain uses
   * stays. A big one goes slice by slice, each a transaction of its own: where that is interrupted, what is left of the
   * list stays, and the next deletion goes on.
   */
  return async (accountSid: string, sid: string): Promise<void> => {
    for (let progress: Progress | undefined = { credentials: 0, upTo: '0' }; progress; ) {
      const done: Progress = progress
      const slice = await inTransaction(pool, (tx) => deleteSlice(tx, accountSid, sid, done))
        .catch(refuseUsed)
        .catch((error) => takeForDone(error, done))
      await publisher.publish(slice.changes)
      // The embedded database answers without ever going back to the event loop.
      await new Promise((resolve) => setImmediate(resolve))
      progress = slice.progress
    }
  }
}

/** A list that is gone after the first slice was deleted by somebody else who was at it too. */
function takeForDone(error: unknown, { credentials }: Progress): Slice {
  if (credentials === 0 || !(error instanceof Refusal) || error.code !== 'not_found') throw error
  return { changes: [], progress: undefined }
}

function refuseUsed(error: unknown): never {
  if (violatedForeignKey(error) !== 'domain_credential_lists_list_fkey') throw error
  throw inUse()
}

function inUse(): Refusal {
  return new Refusal('list_in_use', 'CredentialListSid', 'names a list that a domain uses')
}
