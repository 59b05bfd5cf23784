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
      if (found === undefined) return undefined
      const ha1s = found.active ? found.ha1s : undefined
      return { ...found, usable: ha1s !== undefined, ha1: ha1s?.[field] }
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
