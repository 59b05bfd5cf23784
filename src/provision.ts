import type pg from 'pg'
import { type AccountProvision, createAccountProvision } from './provision/accounts.js'
import { type CredentialListProvision, createCredentialListProvision } from './provision/credential-lists.js'
import { type CredentialProvision, createCredentialProvision } from './provision/credentials.js'
import type { Publisher } from './provision/publisher.js'

/**
 * Every write that must reach the mirror. Each is one transaction of the row, its version and its outbox row; then it
 * is mirrored, and only then answered. Throws `Refusal` for a broken rule; other errors are the store's.
 */
export type Provision = {
  readonly accounts: AccountProvision
  readonly credentialLists: CredentialListProvision
  readonly credentials: CredentialProvision
}

/** Wires the writes; `sipDomain` is the domain that new accounts' realms lie under. */
export function createProvision(deps: { pool: pg.Pool; publisher: Publisher; sipDomain: string }): Provision {
  return {
    accounts: createAccountProvision(deps),
    credentialLists: createCredentialListProvision(deps),
    credentials: createCredentialProvision(deps),
  }
}
