import type pg from 'pg'
import type { CredentialReader } from '../auth/credential-source.js'
import { findMirroredCredentials } from './mirrored-credentials.js'
import { findRealms } from './realms.js'

/** The hot path's questions, answered by the database itself. */
export function createDatabaseReader(pool: pg.Pool): CredentialReader {
  return {
    async findHa1(realm, username, field) {
      const [found] = await findMirroredCredentials(pool, [{ realm, username }])
      return found && { ...found, ha1: found.ha1s?.[field] }
    },
    async findAlgorithms(realm) {
      const [found] = await findRealms(pool, [realm])
      return found?.algorithms
    },
  }
}
