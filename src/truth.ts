import type { Credential } from './credential.js'
import type { MirrorKey, MirrorRecord, Truth } from './mirror/mirror.js'
import type { Queryable } from './store/database.js'
import { countAllCredentials, findMirroredCredentials, walkMirroredCredentials } from './store/mirrored-credentials.js'
import { findRealms, listRealmsWithAlgorithms, type Realm } from './store/realms.js'

const SLICE = 1_000

/** What the database holds, as the mirror is to hold it; within a transaction, as that one sees it. */
export function createTruth(db: Queryable): Truth {
  return {
    count: () => countAllCredentials(db),

    async *walk() {
      for (let after = ''; ; ) {
        const realms = await listRealmsWithAlgorithms(db, after, SLICE)
        const last = realms.at(-1)
        if (!last) break
        after = last.realm
        yield realms.map(toRealmRecord)
      }
      // Newest first: what a restored Redis lacks is most likely there.
      for (let below: string | undefined; ; ) {
        const { credentials, lastSeq } = await walkMirroredCredentials(db, below, SLICE)
        if (lastSeq === undefined) return
        below = lastSeq
        yield credentials.map(toCredentialRecord)
      }
    },

    async read(keys: readonly MirrorKey[]) {
      const credentials = keys.filter(({ username }) => username !== undefined)
      const realms = keys.filter(({ username }) => username === undefined).map(({ realm }) => realm)
      return [
        ...(credentials.length === 0 ? [] : (await findMirroredCredentials(db, credentials)).map(toCredentialRecord)),
        ...(realms.length === 0 ? [] : (await findRealms(db, realms)).filter(offersItsOwn).map(toRealmRecord)),
      ]
    },
  }
}

function toCredentialRecord(credential: Credential): MirrorRecord {
  const { realm, username, version } = credential
  return { realm, username, version, credential }
}

/** A realm without algorithms of its own has no record. */
function offersItsOwn({ algorithms }: Realm): boolean {
  return algorithms !== undefined
}

function toRealmRecord({ realm, version, algorithms }: Realm): MirrorRecord {
  return { realm, username: undefined, version, algorithms }
}
