import type { Ha1s } from '../credential.js'
import type { Queryable } from './database.js'
import { type Page, type Position, pageSql, toPage } from './page.js'

/** A credential as the management API shows it: no HA1. */
export type StoredCredential = {
  readonly seq: string
  readonly sid: string
  readonly listSid: string
  readonly accountSid: string
  readonly realm: string
  readonly username: string
  readonly enabled: boolean
  readonly description: string
  readonly createdAt: Date
  readonly updatedAt: Date
}

type Row = {
  seq: string
  sid: string
  list_sid: string
  account_sid: string
  realm: string
  username: string
  enabled: boolean
  description: string
  created_at: Date
  updated_at: Date
}

const COLUMNS = 'seq, sid, list_sid, account_sid, realm, username, enabled, description, created_at, updated_at'

function toStoredCredential(row: Row): StoredCredential {
  return {
    seq: row.seq,
    sid: row.sid,
    listSid: row.list_sid,
    accountSid: row.account_sid,
    realm: row.realm,
    username: row.username,
    enabled: row.enabled,
    description: row.description,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}

/**
 * Locks a user name in a realm until the transaction ends, whether a row exists or not: the version that is drawn
 * afterwards orders a deletion and a new creation of one name as well as two updates.
 */
export async function lockUsername(tx: Queryable, realm: string, username: string): Promise<void> {
  await tx.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`${realm}:${username}`])
}

/** A credential to be written; the database adds its place in the list and the times. */
export type NewCredential = Omit<StoredCredential, 'seq' | 'createdAt' | 'updatedAt'> & {
  readonly ha1s: Ha1s
  readonly version: string
}

/** Throws the unique violation `credentials_username_key` where the realm has a user of that name. */
export async function insertCredential(tx: Queryable, credential: NewCredential): Promise<StoredCredential> {
  const { ha1s } = credential
  const { rows } = await tx.query<Row>(
    `insert into credentials (sid, list_sid, account_sid, realm, username, enabled, description, version,
                              ha1, ha1_sha256, ha1_sha512_256, ha1b, ha1b_sha256, ha1b_sha512_256)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
     returning ${COLUMNS}`,
    [
      ...[credential.sid, credential.listSid, credential.accountSid, credential.realm, credential.username],
      ...[credential.enabled, credential.description, credential.version],
      ...[ha1s.ha1, ha1s.ha1_sha256, ha1s.ha1_sha512_256, ha1s.ha1b, ha1s.ha1b_sha256, ha1s.ha1b_sha512_256],
    ],
  )
  return toStoredCredential(rows[0] as Row)
}

export type CredentialChange = {
  readonly enabled?: boolean | undefined
  readonly description?: string | undefined
  readonly ha1s?: Ha1s | undefined
}

/** Writes what the change names; undefined leaves what is there. */
export async function updateCredential(
  tx: Queryable,
  sid: string,
  version: string,
  { enabled, description, ha1s }: CredentialChange,
): Promise<StoredCredential> {
  const { rows } = await tx.query<Row>(
    `update credentials
     set version = $2, updated_at = now(),
         enabled = coalesce($3, enabled), description = coalesce($4, description),
         ha1 = coalesce($5, ha1), ha1_sha256 = coalesce($6, ha1_sha256), ha1_sha512_256 = coalesce($7, ha1_sha512_256),
         ha1b = coalesce($8, ha1b), ha1b_sha256 = coalesce($9, ha1b_sha256),
         ha1b_sha512_256 = coalesce($10, ha1b_sha512_256)
     where sid = $1
     returning ${COLUMNS}`,
    [
      ...[sid, version, enabled, description, ha1s?.ha1, ha1s?.ha1_sha256, ha1s?.ha1_sha512_256],
      ...[ha1s?.ha1b, ha1s?.ha1b_sha256, ha1s?.ha1b_sha512_256],
    ],
  )
  return toStoredCredential(rows[0] as Row)
}

export async function deleteCredential(tx: Queryable, sid: string): Promise<void> {
  await tx.query('delete from credentials where sid = $1', [sid])
}

/** Finds a credential of this list; what is another's does not exist. */
export async function findCredential(
  db: Queryable,
  listSid: string,
  sid: string,
): Promise<StoredCredential | undefined> {
  const { rows } = await db.query<Row>(`select ${COLUMNS} from credentials where list_sid = $1 and sid = $2`, [
    listSid,
    sid,
  ])
  return rows[0] && toStoredCredential(rows[0])
}

/** Finds a credential of this account, whatever its list; what is another's does not exist. */
export async function findAccountCredential(
  db: Queryable,
  accountSid: string,
  sid: string,
): Promise<StoredCredential | undefined> {
  const { rows } = await db.query<Row>(`select ${COLUMNS} from credentials where account_sid = $1 and sid = $2`, [
    accountSid,
    sid,
  ])
  return rows[0] && toStoredCredential(rows[0])
}

/** An account's credentials, whatever their lists, newest first: at most `limit`, behind the first `offset`. */
export async function listAccountCredentials(
  db: Queryable,
  accountSid: string,
  { limit, offset }: { readonly limit: number; readonly offset: number },
): Promise<StoredCredential[]> {
  // What is skipped is counted off in the index alone, and no row of it is read.
  const { rows } = await db.query<Row>(
    `select ${COLUMNS} from credentials
     where seq in (select seq from credentials where account_sid = $1 order by seq desc limit $2 offset $3)
     order by seq desc`,
    [accountSid, limit, offset],
  )
  return rows.map(toStoredCredential)
}

/** How many credentials an account has, whatever their lists. */
export async function countAccountCredentials(db: Queryable, accountSid: string): Promise<number> {
  const { rows } = await db.query<{ credentials: number }>(
    'select count(*)::int as credentials from credentials where account_sid = $1',
    [accountSid],
  )
  return rows[0]?.credentials ?? 0
}

/** A list's credentials, newest first. */
export async function listCredentials(
  db: Queryable,
  listSid: string,
  position: Position,
  size: number,
): Promise<Page<StoredCredential>> {
  const page = pageSql(position, size, 2)
  const { rows } = await db.query<Row>(`select ${COLUMNS} from credentials where list_sid = $1 ${page.text}`, [
    listSid,
    ...page.values,
  ])
  return toPage(rows.map(toStoredCredential), position, size)
}

/** How many credentials a list holds, up to `most`: a list may hold millions, and a limit is all that is asked for. */
export async function countCredentials(tx: Queryable, listSid: string, most: number): Promise<number> {
  const { rows } = await tx.query<{ credentials: number }>(
    `select count(*)::int as credentials
     from (select from credentials where list_sid = $1 limit $2) as counted`,
    [listSid, most],
  )
  return rows[0]?.credentials ?? 0
}
