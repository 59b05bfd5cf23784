import { type Credential, type Ha1Field, readHa1s } from '../credential.js'
import type { RecordKeyOf } from '../record-key.js'
import type { Queryable } from './database.js'

type MirroredRow = {
  seq: string
  realm: string
  username: string
  account_sid: string
  list_sid: string
  sid: string
  version: string
  enabled: boolean
  active: boolean
} & Record<Ha1Field, string | null>

const MIRRORED = `select c.seq, c.realm, c.username, c.account_sid, c.list_sid, c.sid, c.version,
    c.enabled, a.status = 'active' as active,
    c.ha1, c.ha1_sha256, c.ha1_sha512_256, c.ha1b, c.ha1b_sha256, c.ha1b_sha512_256
  from credentials c join accounts a on a.sid = c.account_sid`

function toCredential(row: MirroredRow): Credential {
  return {
    realm: row.realm,
    username: row.username,
    accountSid: row.account_sid,
    credentialListSid: row.list_sid,
    credentialSid: row.sid,
    version: row.version,
    ha1s: row.enabled ? readHa1s(row) : undefined,
    active: row.active,
  }
}

/** The named credentials that exist, as the mirror is to hold them. */
export async function findMirroredCredentials(
  db: Queryable,
  keys: readonly Omit<RecordKeyOf<'credential'>, 'kind'>[],
): Promise<Credential[]> {
  const { rows } = await db.query<MirroredRow>(
    `${MIRRORED} where (c.realm, c.username) in (select * from unnest($1::text[], $2::text[]))`,
    [keys.map(({ realm }) => realm), keys.map(({ username }) => username)],
  )
  return rows.map(toCredential)
}

/** All credentials in slices, newest first, below a sequence number; for a walk over all. */
export async function walkMirroredCredentials(
  db: Queryable,
  belowSeq: string | undefined,
  limit: number,
): Promise<{ credentials: Credential[]; lastSeq: string | undefined }> {
  const { rows } = await db.query<MirroredRow>(
    `${MIRRORED} where ($1::bigint is null or c.seq < $1) order by c.seq desc limit $2`,
    [belowSeq, limit],
  )
  return { credentials: rows.map(toCredential), lastSeq: rows.at(-1)?.seq }
}

/** How many credentials there are. */
export async function countAllCredentials(db: Queryable): Promise<number> {
  const { rows } = await db.query<{ credentials: number }>('select count(*)::int as credentials from credentials')
  return rows[0]?.credentials ?? 0
}
