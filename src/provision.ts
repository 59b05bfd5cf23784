import type pg from 'pg'
import { type Author, COMMAND_LINE } from './author.js'
import { type AccountProvision, createAccountProvision } from './provision/accounts.js'
import { type CredentialListProvision, createCredentialListProvision } from './provision/credential-lists.js'
import { type CredentialProvision, createCredentialProvision } from './provision/credentials.js'
import { createDomainMappingProvision, type DomainMappingProvision } from './provision/domain-mappings.js'
import { createDomainProvision, type DomainProvision } from './provision/domains.js'
import { createImportProvision, type ImportProvision } from './provision/imports.js'
import {
  createIpAccessControlListProvision,
  type IpAccessControlListProvision,
} from './provision/ip-access-control-lists.js'
import { createIpAddressProvision, type IpAddressProvision } from './provision/ip-addresses.js'
import type { Publisher } from './provision/publisher.js'

/**
 * Every write that must reach the mirror. Each is one transaction of the row, its version, its outbox row and its line
 * of the audit trail; then it is mirrored, and only then answered. Throws `Refusal` for a broken rule; other errors
 * are the store's.
 */
export type Writes = {
  readonly accounts: AccountProvision
  readonly credentialLists: CredentialListProvision
  readonly credentials: CredentialProvision
  readonly domains: DomainProvision
  readonly domainMappings: DomainMappingProvision
  readonly ipAccessControlLists: IpAccessControlListProvision
  readonly ipAddresses: IpAddressProvision
  readonly imports: ImportProvision
}

/** The writes of the command line and of the program itself; `by` gives those of somebody else. */
export type Provision = Writes & { by(author: Author): Writes }

/** Wires the writes; `sipDomain` is the domain that new accounts' realms lie under. */
export function createProvision(deps: { pool: pg.Pool; publisher: Publisher; sipDomain: string }): Provision {
  function by(author: Author): Writes {
    const publisher: Publisher = { publish: (changes) => deps.publisher.publish(changes, author.requestId) }
    const room = { ...deps, author, publisher }
    return {
      accounts: createAccountProvision(room),
      credentialLists: createCredentialListProvision(room),
      credentials: createCredentialProvision(room),
      domains: createDomainProvision(room),
      domainMappings: createDomainMappingProvision(room),
      ipAccessControlLists: createIpAccessControlListProvision(room),
      ipAddresses: createIpAddressProvision(room),
      imports: createImportProvision(room),
    }
  }
  return { ...by(COMMAND_LINE), by }
}
