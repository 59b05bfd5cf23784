import type { Credential } from './credential.js'
import type { MirrorRecord, Truth } from './mirror/mirror.js'
import { keysOf } from './record-key.js'
import type { SipDomain } from './sip-domain.js'
import type { Queryable } from './store/database.js'
import { countAllCredentials, findMirroredCredentials, walkMirroredCredentials } from './store/mirrored-credentials.js'
import { findMirroredDomains, walkMirroredDomains } from './store/mirrored-domains.js'
import { findRealmOffers, type VersionedOffer, walkRealmOffers } from './store/realm-offers.js'

const SLICE = 1_000

/** What the database holds, as the mirror is to hold it; within a transaction, as that one sees it. */
export function createTruth(db: Queryable): Truth {
  async function* walkNamed<T>(find: (after: string) => Promise<T[]>, nameOf: (row: T) => string): AsyncIterable<T[]> {
    for (let after = ''; ; ) {
      const slice = await find(after)
      const last = slice.at(-1)
      if (last === undefined) return
      after = nameOf(last)
      yield slice
    }
  }

  return {
    count: () => countAllCredentials(db),

    async *walk() {
      const realms = walkNamed((after) => walkRealmOffers(db, after, SLICE), nameOfRealm)
      for await (const slice of realms) yield slice.map(toRealmRecord)
      const domains = walkNamed((after) => walkMirroredDomains(db, after, SLICE), nameOfDomain)
      for await (const slice of domains) yield slice.map(toDomainRecord)
      // Newest first: what a restored Redis lacks is most likely there.
      for (let below: string | undefined; ; ) {
        const { credentials, lastSeq } = await walkMirroredCredentials(db, below, SLICE)
        if (lastSeq === undefined) return
        below = lastSeq
        yield credentials.map(toCredentialRecord)
      }
    },

    async read(keys) {
      const credentials = keysOf('credential', keys)
      const realms = keysOf('realm', keys).map(({ realm }) => realm)
      const domains = keysOf('domain', keys).map(({ domain }) => domain)
      return [
        ...(credentials.length === 0 ? [] : (await findMirroredCredentials(db, credentials)).map(toCredentialRecord)),
        ...(realms.length === 0 ? [] : (await findRealmOffers(db, realms)).map(toRealmRecord)),
        ...(domains.length === 0 ? [] : (await findMirroredDomains(db, domains)).map(toDomainRecord)),
      ]
    },
  }
}

const nameOfRealm = ({ realm }: VersionedOffer): string => realm
const nameOfDomain = ({ name }: SipDomain): string => name

function toCredentialRecord(credential: Credential): MirrorRecord {
  const { realm, username, version } = credential
  return { kind: 'credential', realm, username, version, holds: credential }
}

function toRealmRecord({ realm, version, offer }: VersionedOffer): MirrorRecord {
  return { kind: 'realm', realm, version, holds: offer }
}

function toDomainRecord(domain: SipDomain): MirrorRecord {
  return { kind: 'domain', domain: domain.name, version: domain.version, holds: domain }
}
