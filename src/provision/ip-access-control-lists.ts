import { Refusal } from '../errors.js'
import { createSid } from '../sid.js'
import { appendAudit } from '../store/audit.js'
import { inTransaction, violatedForeignKey } from '../store/database.js'
import {
  countIpAccessControlLists,
  deleteIpAccessControlList,
  type IpAccessControlList,
  insertIpAccessControlList,
  lockIpAccessControlList,
  updateIpAccessControlList,
} from '../store/ip-access-control-lists.js'
import { describeAlteration } from './alteration.js'
import { holdAccount } from './held-account.js'
import type { WriteDeps } from './write-deps.js'

/** IP access control lists that an account may have, Twilio's limit (error 21255). */
export const IP_LISTS_PER_ACCOUNT_MAX = 1000

export type IpAccessControlListProvision = ReturnType<typeof createIpAccessControlListProvision>

/** Writes of IP access control lists; what the mirror holds of domains does not change by them. Locks: account, list. */
export function createIpAccessControlListProvision({ pool, author }: WriteDeps) {
  return {
    create: (accountSid: string, friendlyName: string): Promise<IpAccessControlList> =>
      inTransaction(pool, async (tx) => {
        await holdAccount(tx, accountSid)
        if ((await countIpAccessControlLists(tx, accountSid)) >= IP_LISTS_PER_ACCOUNT_MAX) {
          const rule = `are limited to ${IP_LISTS_PER_ACCOUNT_MAX} an account`
          throw new Refusal('too_many_ip_lists', 'IpAccessControlLists', rule)
        }
        const sid = createSid('ipAccessControlList')
        const entry = { accountSid, action: 'ip_access_control_list.create', resourceSid: sid } as const
        await appendAudit(tx, author, { ...entry, detail: { friendlyName } })
        return insertIpAccessControlList(tx, { sid, accountSid, friendlyName })
      }),

    /** Changes the name. Nothing is written for nothing. */
    update: (accountSid: string, sid: string, friendlyName: string): Promise<IpAccessControlList> =>
      inTransaction(pool, async (tx) => {
        await holdAccount(tx, accountSid)
        const before = known(await lockIpAccessControlList(tx, accountSid, sid))
        if (friendlyName === before.friendlyName) return before
        const detail = describeAlteration({ friendlyName: before.friendlyName }, { friendlyName })
        const entry = { accountSid, action: 'ip_access_control_list.update', resourceSid: sid } as const
        await appendAudit(tx, author, { ...entry, detail })
        return updateIpAccessControlList(tx, sid, friendlyName)
      }),

    /** Deletes a list with its addresses; one that a domain uses stays. */
    delete: (accountSid: string, sid: string): Promise<void> =>
      inTransaction(pool, async (tx) => {
        await holdAccount(tx, accountSid)
        const { friendlyName } = known(await lockIpAccessControlList(tx, accountSid, sid))
        await deleteIpAccessControlList(tx, sid)
        const entry = { accountSid, action: 'ip_access_control_list.delete', resourceSid: sid } as const
        await appendAudit(tx, author, { ...entry, detail: { friendlyName } })
      }).catch(refuseUsed),
  }
}

function known(list: IpAccessControlList | undefined): IpAccessControlList {
  if (!list) throw new Refusal('not_found', 'IpAccessControlListSid', 'names no IP access control list of this account')
  return list
}

function refuseUsed(error: unknown): never {
  if (violatedForeignKey(error) !== 'domain_ip_access_control_lists_list_fkey') throw error
  throw new Refusal('ip_list_in_use', 'IpAccessControlListSid', 'names a list that a domain uses')
}
