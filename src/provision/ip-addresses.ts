import { isIPv6 } from 'node:net'
import { Refusal } from '../errors.js'
import { createSid } from '../sid.js'
import { appendAudit } from '../store/audit.js'
import { inTransaction, type Queryable } from '../store/database.js'
import { findIpListDomains } from '../store/domain-mappings.js'
import { lockDomains, touchDomains } from '../store/domain-versions.js'
import { findIpAccessControlList, lockIpAccessControlList } from '../store/ip-access-control-lists.js'
import {
  countIpAddresses,
  deleteIpAddress,
  findIpAddress,
  type IpAddress,
  insertIpAddress,
  type NewIpAddress,
  updateIpAddress,
} from '../store/ip-addresses.js'
import { describeAlteration } from './alteration.js'
import { holdAccount } from './held-account.js'
import type { WriteDeps } from './write-deps.js'

/** Addresses that an IP access control list may hold, Twilio's limit (error 21237). */
export const ADDRESSES_PER_LIST_MAX = 100

export type IpAddressProvision = ReturnType<typeof createIpAddressProvision>

export type NewIpAddressInput = {
  readonly friendlyName: string
  /** IPv4 in dotted decimal, or IPv6 as in RFC 5952. */
  readonly ipAddress: string
  /** The whole address where it is left out. */
  readonly cidrPrefixLength?: number | undefined
}

export type IpAddressUpdate = { readonly [Name in keyof NewIpAddressInput]?: NewIpAddressInput[Name] | undefined }

/** What a write left in a list, and whether it wrote anything. */
type Outcome<T> = { readonly left: T; readonly wrote: boolean }

/** Writes of IP addresses; each changes all domains that use the list. Locks: account, domains, list. */
export function createIpAddressProvision({ pool, publisher, author }: WriteDeps) {
  async function change<T>(
    accountSid: string,
    listSid: string,
    work: (tx: Queryable) => Promise<Outcome<T>>,
  ): Promise<T> {
    const { left, changes } = await inTransaction(pool, async (tx) => {
      await holdAccount(tx, accountSid)
      // Whose list it is comes first: another account's domains are nobody's to lock.
      const list = await findIpAccessControlList(tx, accountSid, listSid)
      const field = 'IpAccessControlListSid'
      if (!list) throw new Refusal('not_found', field, 'names no IP access control list of this account')
      const domainSids = await findIpListDomains(tx, listSid)
      await lockDomains(tx, domainSids)
      await lockIpAccessControlList(tx, accountSid, listSid)
      const { left, wrote } = await work(tx)
      return { left, changes: wrote ? await touchDomains(tx, domainSids) : [] }
    })
    await publisher.publish(changes)
    return left
  }

  async function find(tx: Queryable, listSid: string, sid: string): Promise<IpAddress> {
    const address = await findIpAddress(tx, listSid, sid)
    if (!address) throw new Refusal('not_found', 'Sid', 'names no address of this list')
    return address
  }

  return {
    create: (accountSid: string, listSid: string, input: NewIpAddressInput): Promise<IpAddress> =>
      change(accountSid, listSid, async (tx) => {
        if ((await countIpAddresses(tx, listSid)) >= ADDRESSES_PER_LIST_MAX) {
          throw new Refusal('too_many_ip_addresses', 'IpAddresses', `are limited to ${ADDRESSES_PER_LIST_MAX} a list`)
        }
        const sid = createSid('ipAddress')
        const range = { ...input, ...toRange(input.ipAddress, input.cidrPrefixLength) }
        const entry = { accountSid, action: 'ip_address.create', resourceSid: sid } as const
        await appendAudit(tx, author, { ...entry, detail: { listSid, ...audited(range) } })
        return { left: await insertIpAddress(tx, { sid, accountSid, listSid, ...range }), wrote: true }
      }),

    /** Changes name, address and prefix; undefined leaves what is there. Nothing is written for nothing. */
    update: (accountSid: string, listSid: string, sid: string, update: IpAddressUpdate): Promise<IpAddress> =>
      change(accountSid, listSid, async (tx) => {
        const before = await find(tx, listSid, sid)
        const ipAddress = update.ipAddress ?? before.ipAddress
        // The prefix of another kind of address would mean something else.
        const kept = isIPv6(ipAddress) === isIPv6(before.ipAddress) ? before.cidrPrefixLength : undefined
        const range = toRange(ipAddress, update.cidrPrefixLength ?? kept)
        const after = { friendlyName: update.friendlyName ?? before.friendlyName, ...range }
        const alteration = describeAlteration(audited(before), audited(after))
        if (Object.keys(alteration).length === 0) return { left: before, wrote: false }
        const detail = { listSid, ...alteration }
        const entry = { accountSid, action: 'ip_address.update', resourceSid: sid } as const
        await appendAudit(tx, author, { ...entry, detail })
        return { left: await updateIpAddress(tx, sid, after), wrote: true }
      }),

    delete: (accountSid: string, listSid: string, sid: string): Promise<void> =>
      change(accountSid, listSid, async (tx) => {
        const address = await find(tx, listSid, sid)
        await deleteIpAddress(tx, sid)
        const entry = { accountSid, action: 'ip_address.delete', resourceSid: sid } as const
        await appendAudit(tx, author, { ...entry, detail: { listSid, ...audited(address) } })
        return { left: undefined, wrote: true }
      }),
  }
}

/** What the audit trail shows of an address, beside its list. */
function audited({ friendlyName, ipAddress, cidrPrefixLength }: Omit<NewIpAddress, 'sid' | 'accountSid' | 'listSid'>) {
  return { friendlyName, ipAddress, cidrPrefixLength }
}

/** A block of addresses; without a prefix length, the one address. */
function toRange(ipAddress: string, prefixLength: number | undefined) {
  const max = isIPv6(ipAddress) ? 128 : 32
  const cidrPrefixLength = prefixLength ?? max
  if (cidrPrefixLength > max)
    throw new Refusal('invalid', 'CidrPrefixLength', `must not exceed ${max} for this address`)
  return { ipAddress, cidrPrefixLength }
}
