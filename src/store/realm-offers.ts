import type { HashAlgorithm } from '../digest/algorithm.js'
import type { RealmOffer } from '../realm-offer.js'
import type { Queryable } from './database.js'

/** A realm's offer with the version of its last change. */
export type VersionedOffer = { readonly realm: string; readonly version: string; readonly offer: RealmOffer }

type Row = {
  realm: string
  version: string
  algorithms: string | null
  lacks_sha256: boolean
  lacks_sha512_256: boolean
  active: boolean
}

const OFFERS = `select * from (
    select r.realm, r.version, r.algorithms, a.status = 'active' as active,
      exists (select from credentials c where c.realm = r.realm and c.ha1_sha256 is null) as lacks_sha256,
      exists (select from credentials c where c.realm = r.realm and c.ha1_sha512_256 is null) as lacks_sha512_256
    from realms r join accounts a on a.sid = r.account_sid
  ) o where (algorithms is not null or lacks_sha256 or lacks_sha512_256 or not active)`

function toOffer({ realm, version, algorithms, lacks_sha256, lacks_sha512_256, active }: Row): VersionedOffer {
  const lacking: HashAlgorithm[] = []
  if (lacks_sha256) lacking.push('SHA-256')
  if (lacks_sha512_256) lacking.push('SHA-512-256')
  return {
    realm,
    version,
    offer: { algorithms: (algorithms?.split(',') as HashAlgorithm[] | undefined) ?? undefined, lacking, active },
  }
}

/** Those of the named realms that have something of their own to offer. */
export async function findRealmOffers(db: Queryable, realms: readonly string[]): Promise<VersionedOffer[]> {
  const { rows } = await db.query<Row>(`${OFFERS} and realm = any($1)`, [realms])
  return rows.map(toOffer)
}

/** The realms that have something of their own to offer, in order, after the given one; for a walk over all. */
export async function walkRealmOffers(db: Queryable, after: string, limit: number): Promise<VersionedOffer[]> {
  const { rows } = await db.query<Row>(`${OFFERS} and realm > $1 order by realm limit $2`, [after, limit])
  return rows.map(toOffer)
}

/** Whether the credential was imported without an HA1 that its realm's challenges might ask for. */
export async function lacksHa1s(db: Queryable, credentialSid: string): Promise<boolean> {
  const { rows } = await db.query<{ lacks: boolean }>(
    'select ha1_sha256 is null or ha1_sha512_256 is null as lacks from credentials where sid = $1',
    [credentialSid],
  )
  return rows[0]?.lacks ?? false
}
