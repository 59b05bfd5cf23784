import { Refusal } from '../errors.js'
import { normalizeRealm } from '../names.js'
import { createSid } from '../sid.js'
import { appendAudit } from '../store/audit.js'
import { inTransaction, type Queryable, violatedUnique } from '../store/database.js'
import { touchDomains } from '../store/domain-versions.js'
import {
  countDomains,
  type Domain,
  type DomainSettings,
  type DomainSettingsChange,
  deleteDomain,
  findDomain,
  hasSubdomains,
  insertDomain,
  lockDomain,
  updateDomain,
} from '../store/domains.js'
import { appendChange, type Change, drawVersion } from '../store/outbox.js'
import { lockRealm } from '../store/realms.js'
import { describeAlteration } from './alteration.js'
import { isFreeForDomain } from './free-names.js'
import { holdAccount } from './held-account.js'
import type { WriteDeps } from './write-deps.js'

/** Domains that an account may have, Twilio's limit (error 21230). */
export const DOMAINS_PER_ACCOUNT_MAX = 100

export type DomainProvision = ReturnType<typeof createDomainProvision>

export type NewDomainInput = DomainSettingsChange & { readonly domainName: string }
export type DomainUpdate = DomainSettingsChange & { readonly domainName?: string | undefined }

/** Writes of domains. Locks are taken in one order everywhere: account, domain, list, realm, user name, names. */
export function createDomainProvision({ pool, publisher, sipDomain, author }: WriteDeps) {
  async function takeName(tx: Queryable, accountSid: string, name: string): Promise<void> {
    if (await isFreeForDomain(tx, { accountSid, name, sipDomain })) return
    throw new Refusal('domain_taken', 'DomainName', "is, or lies above or under, another account's domain or realm")
  }

  async function hold(tx: Queryable, accountSid: string, sid: string): Promise<Domain> {
    const domain = await lockDomain(tx, accountSid, sid)
    if (!domain) throw new Refusal('not_found', 'DomainSid', 'names no domain of this account')
    return domain
  }

  /** The name of a domain that others lie under stays, so that nobody takes it over their heads. */
  async function refuseSubdomains(tx: Queryable, { accountSid, domainName }: Domain): Promise<void> {
    if (!(await hasSubdomains(tx, accountSid, domainName))) return
    throw new Refusal('has_subdomains', 'DomainName', 'still has domains under it')
  }

  async function rename(tx: Queryable, domain: Domain, name: string): Promise<void> {
    await refuseSubdomains(tx, domain)
    await takeName(tx, domain.accountSid, name)
  }

  return {
    /** Creates a domain without mappings: nobody may do anything in it yet. */
    async create(accountSid: string, { domainName, ...settings }: NewDomainInput): Promise<Domain> {
      const name = normalizeRealm(domainName)
      const { domain, change } = await inTransaction(pool, async (tx) => {
        const { realm } = await holdAccount(tx, accountSid)
        if ((await countDomains(tx, accountSid)) >= DOMAINS_PER_ACCOUNT_MAX) {
          throw new Refusal('too_many_domains', 'Domains', `are limited to ${DOMAINS_PER_ACCOUNT_MAX} an account`)
        }
        // The new row refers to it, and an import may have it: whoever has the lock of all names waits for nothing.
        await lockRealm(tx, realm, 'share')
        await takeName(tx, accountSid, name)
        const sid = createSid('domain')
        const version = await drawVersion(tx)
        await insertDomain(tx, { sid, accountSid, domainName: name, realm, version })
        await updateDomain(tx, sid, undefined, settings)
        const domain = (await findDomain(tx, accountSid, sid)) as Domain
        const detail = audited(domain)
        await appendAudit(tx, author, { accountSid, action: 'domain.create', resourceSid: sid, detail })
        return {
          domain,
          change: await appendChange(tx, { kind: 'domain', domain: name }, version),
        }
      }).catch(refuseTakenName)
      await publisher.publish([change])
      return domain
    },

    /** Changes name and settings; undefined leaves what is there. Nothing is written for nothing. */
    async update(accountSid: string, sid: string, { domainName, ...settings }: DomainUpdate): Promise<Domain> {
      const name = domainName === undefined ? undefined : normalizeRealm(domainName)
      const { domain, changes } = await inTransaction(pool, async (tx) => {
        await holdAccount(tx, accountSid)
        const before = await hold(tx, accountSid, sid)
        const renames = name !== undefined && name !== before.domainName
        if (!renames && isSame(before.settings, settings)) return { domain: before, changes: [] }
        if (renames) await rename(tx, before, name)
        await updateDomain(tx, sid, name, settings)
        const domain = (await findDomain(tx, accountSid, sid)) as Domain
        const detail = describeAlteration(audited(before), audited(domain))
        await appendAudit(tx, author, { accountSid, action: 'domain.update', resourceSid: sid, detail })
        return { domain, changes: renames ? await moveRecord(tx, before) : [] }
      }).catch(refuseTakenName)
      await publisher.publish(changes)
      return domain
    },

    /** Deletes a domain with its mappings; one that other domains lie under stays (Twilio's error 21233). */
    async delete(accountSid: string, sid: string): Promise<void> {
      const change = await inTransaction(pool, async (tx) => {
        await holdAccount(tx, accountSid)
        const domain = await hold(tx, accountSid, sid)
        await refuseSubdomains(tx, domain)
        const version = await drawVersion(tx)
        await deleteDomain(tx, sid)
        const detail = audited(domain)
        await appendAudit(tx, author, { accountSid, action: 'domain.delete', resourceSid: sid, detail })
        return appendChange(tx, { kind: 'domain', domain: domain.domainName }, version)
      })
      await publisher.publish([change])
    },
  }
}

/** Whether a change would leave all settings as they are. */
function isSame(settings: DomainSettings, change: DomainSettingsChange): boolean {
  const wanted = Object.entries(change).filter(([, value]) => value !== undefined)
  return Object.keys(describeAlteration(settings, { ...settings, ...Object.fromEntries(wanted) })).length === 0
}

/** Both names change: the new one is there, the old one is gone. */
async function moveRecord(tx: Queryable, before: Domain): Promise<Change[]> {
  const version = await drawVersion(tx)
  const gone = await appendChange(tx, { kind: 'domain', domain: before.domainName }, version)
  return [gone, ...(await touchDomains(tx, [before.sid]))]
}

/** What the audit trail shows of a domain. */
function audited({ domainName, settings }: Domain) {
  const { voiceUrl, voiceFallbackUrl, voiceStatusCallbackUrl } = settings
  return {
    ...{ domainName, ...settings, voiceUrl: withoutSecrets(voiceUrl) },
    voiceFallbackUrl: withoutSecrets(voiceFallbackUrl),
    voiceStatusCallbackUrl: withoutSecrets(voiceStatusCallbackUrl),
  }
}

/** A URL's user part and query are where its secrets are. */
function withoutSecrets(url: string): string {
  if (!URL.canParse(url)) return ''
  const { origin, pathname } = new URL(url)
  return origin + pathname
}

function refuseTakenName(error: unknown): never {
  if (violatedUnique(error) !== 'domains_domain_name_key') throw error
  throw new Refusal('domain_taken', 'DomainName', 'is taken')
}
