import { Refusal } from '../errors.js'
import { type AuditAction, appendAudit } from '../store/audit.js'
import { lockCredentialList } from '../store/credential-lists.js'
import { inTransaction, type Queryable } from '../store/database.js'
import {
  countIpListMappings,
  type DomainMapping,
  deleteCredentialListMapping,
  deleteIpListMapping,
  findCredentialListMapping,
  findIpListMapping,
  hasCredentialLists,
  insertCredentialListMapping,
  insertIpListMapping,
  type Purpose,
} from '../store/domain-mappings.js'
import { touchDomains } from '../store/domain-versions.js'
import { type Domain, lockDomain, updateDomainRealm } from '../store/domains.js'
import { lockIpAccessControlList } from '../store/ip-access-control-lists.js'
import { holdAccount } from './held-account.js'
import type { WriteDeps } from './write-deps.js'

/** IP lists that a domain may use: with all their addresses they are one record, which each call is checked against. */
export const IP_LISTS_PER_DOMAIN_MAX = 100

export type DomainMappingProvision = ReturnType<typeof createDomainMappingProvision>

/** Writes of which lists may do what in a domain. Locks: account, domain, list, realm. */
export function createDomainMappingProvision({ pool, publisher, author }: WriteDeps) {
  /** Locks the domain, lets its mappings be changed, and mirrors it as it is then. */
  async function change<T>(
    accountSid: string,
    domainSid: string,
    action: AuditAction,
    detail: Readonly<Record<string, unknown>>,
    work: (tx: Queryable, domain: Domain, ownRealm: string) => Promise<T>,
  ): Promise<T> {
    const { result, changes } = await inTransaction(pool, async (tx) => {
      const account = await holdAccount(tx, accountSid)
      const domain = await lockDomain(tx, accountSid, domainSid)
      if (!domain) throw new Refusal('not_found', 'DomainSid', 'names no domain of this account')
      const result = await work(tx, domain, account.realm)
      await appendAudit(tx, author, { accountSid, action, resourceSid: domainSid, detail })
      return { result, changes: await touchDomains(tx, [domainSid]) }
    })
    await publisher.publish(changes)
    return result
  }

  return {
    /** Lets a credential list's users call or register in the domain, which takes on the list's realm. */
    mapCredentialList(accountSid: string, domainSid: string, purpose: Purpose, listSid: string) {
      const detail = { credentialListSid: listSid, purpose }
      return change(accountSid, domainSid, 'domain.map_credential_list', detail, async (tx, domain) => {
        const field = 'CredentialListSid'
        const list = await lockCredentialList(tx, accountSid, listSid)
        if (!list) throw new Refusal('unknown_reference', field, 'names no credential list of this account')
        const isSecond = await hasCredentialLists(tx, domainSid)
        // A challenge comes before the user is known, so all lists of a domain answer the same one.
        if (isSecond && list.realm !== domain.realm) {
          throw new Refusal('invalid', field, 'must name a list in the same realm as the other lists of the domain')
        }
        if (!(await insertCredentialListMapping(tx, domainSid, purpose, listSid))) {
          throw new Refusal('invalid', field, `names a list that is mapped to the domain's ${purpose} already`)
        }
        await updateDomainRealm(tx, domainSid, list.realm)
        return (await findCredentialListMapping(tx, domainSid, purpose, listSid)) as DomainMapping
      })
    },

    /** Ends what `mapCredentialList` began; a domain without credential lists has its account's own realm again. */
    unmapCredentialList(accountSid: string, domainSid: string, purpose: Purpose, listSid: string) {
      const detail = { credentialListSid: listSid, purpose }
      return change(accountSid, domainSid, 'domain.unmap_credential_list', detail, async (tx, _domain, ownRealm) => {
        if (!(await deleteCredentialListMapping(tx, domainSid, purpose, listSid))) throw notMapped()
        if (!(await hasCredentialLists(tx, domainSid))) await updateDomainRealm(tx, domainSid, ownRealm)
      })
    },

    /** Lets calls to the domain come from a list's addresses, and from no others. */
    mapIpAccessControlList(accountSid: string, domainSid: string, listSid: string) {
      const detail = { ipAccessControlListSid: listSid }
      return change(accountSid, domainSid, 'domain.map_ip_access_control_list', detail, async (tx) => {
        const field = 'IpAccessControlListSid'
        const list = await lockIpAccessControlList(tx, accountSid, listSid)
        if (!list) throw new Refusal('unknown_reference', field, 'names no IP access control list of this account')
        if (!(await insertIpListMapping(tx, domainSid, listSid))) {
          throw new Refusal('invalid', field, "names a list that is mapped to the domain's calls already")
        }
        if ((await countIpListMappings(tx, domainSid)) > IP_LISTS_PER_DOMAIN_MAX) {
          const rule = `are limited to ${IP_LISTS_PER_DOMAIN_MAX} a domain`
          throw new Refusal('invalid', 'IpAccessControlListMappings', rule)
        }
        return (await findIpListMapping(tx, domainSid, listSid)) as DomainMapping
      })
    },

    /** Ends what `mapIpAccessControlList` began. */
    unmapIpAccessControlList(accountSid: string, domainSid: string, listSid: string) {
      const detail = { ipAccessControlListSid: listSid }
      return change(accountSid, domainSid, 'domain.unmap_ip_access_control_list', detail, async (tx) => {
        if (!(await deleteIpListMapping(tx, domainSid, listSid))) throw notMapped()
      })
    },
  }
}

function notMapped(): Refusal {
  return new Refusal('not_found', 'Sid', 'names no list that is mapped to this domain')
}
