import type pg from 'pg'
import type { CredentialReader } from '../auth/credential-source.js'
import { findMirroredCredentials } from './mirrored-credentials.js'
import { findMirroredDomains } from './mirrored-domains.js'
import { findRealmOffers } from './realm-offers.js'

/** The hot path's questions, answered by the database itself. */
export function createDatabaseReader(pool: pg.Pool): CredentialReader {
  return {
    async findHa1(realm, username, field) {
      const [found] = await findMirroredCredentials(pool, [{ realm, username }])
      return found && { ...found, usable: found.ha1s !== undefined, ha1: found.ha1s?.[field] }
    },
    async findRealm(realm) {
      const [found] = await findRealmOffers(pool, [realm])
      return found?.offer
    },
    async findDomain(name) {
      const [found] = await findMirroredDomains(pool, [name])
      return found
    },
  }
}
