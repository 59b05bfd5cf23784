import type { HashAlgorithm } from '../digest/algorithm.js'
import type { Queryable } from './database.js'
import { type Page, type Position, pageSql, toPage } from './page.js'

/** A credential list. */
export type CredentialList = {
  readonly seq: string
  readonly sid: string
  readonly accountSid: string
  readonly friendlyName: string
  readonly realm: string
  /** What the realm's challenges offer where it is not the server's default. */
  readonly algorithms: readonly HashAlgorithm[] | undefined
  readonly createdAt: Date
  readonly updatedAt: Date
}

type Row = {
  seq: string
  sid: string
  account_sid: string
  friendly_name: string
  realm: string
  algorithms: string | null
  created_at: Date
  updated_at: Date
}

const SELECT = `select l.seq, l.sid, l.account_sid, l.friendly_name, l.realm, r.algorithms, l.created_at, l.updated_at
  from credential_lists l join realms r on r.realm = l.realm`

function toCredentialList(row: Row): CredentialList {
  return {
    seq: row.seq,
    sid: row.sid,
    accountSid: row.account_sid,
    friendlyName: row.friendly_name,
    realm: row.realm,
    algorithms: (row.algorithms?.split(',') as HashAlgorithm[] | undefined) ?? undefined,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}

/** Throws the unique violation `credential_lists_friendly_name_key` where the account has a list of that name. */
export async function insertCredentialList(
  tx: Queryable,
  list: { sid: string; accountSid: string; friendlyName: string; realm: string },
): Promise<void> {
  await tx.query('insert into credential_lists (sid, account_sid, friendly_name, realm) values ($1, $2, $3, $4)', [
    list.sid,
    list.accountSid,
    list.friendlyName,
    list.realm,
  ])
}

/** Finds a list of this account; what is another's does not exist. */
export async function findCredentialList(
  db: Queryable,
  accountSid: string,
  sid: string,
): Promise<CredentialList | undefined> {
  const { rows } = await db.query<Row>(`${SELECT} where l.account_sid = $1 and l.sid = $2`, [accountSid, sid])
  return rows[0] && toCredentialList(rows[0])
}

/** Finds a list of this account by its name. */
export async function findCredentialListNamed(
  db: Queryable,
  accountSid: string,
  friendlyName: string,
): Promise<CredentialList | undefined> {
  const { rows } = await db.query<Row>(`${SELECT} where l.account_sid = $1 and l.friendly_name = $2`, [
    accountSid,
    friendlyName,
  ])
  return rows[0] && toCredentialList(rows[0])
}

/**
 * Like `findCredentialList`, and nobody else changes the list until the transaction ends; with `update` nobody else
 * fills it either.
 */
export async function lockCredentialList(
  tx: Queryable,
  accountSid: string,
  sid: string,
  strength: 'share' | 'update' = 'update',
): Promise<CredentialList | undefined> {
  // A join is looked at as of its start: once the lock was waited for, the realm of then may be gone, and the row with it.
  await tx.query(`select from credential_lists where account_sid = $1 and sid = $2 for ${strength}`, [accountSid, sid])
  return findCredentialList(tx, accountSid, sid)
}

/** Finds a list of this account by its name; nobody else changes it until the transaction ends. */
export async function holdCredentialListNamed(
  tx: Queryable,
  accountSid: string,
  friendlyName: string,
): Promise<CredentialList | undefined> {
  const { rows } = await tx.query<{ sid: string }>(
    'select sid from credential_lists where account_sid = $1 and friendly_name = $2 for share',
    [accountSid, friendlyName],
  )
  return rows[0] && findCredentialList(tx, accountSid, rows[0].sid)
}

/** An account's lists, newest first. */
export async function listCredentialLists(
  db: Queryable,
  accountSid: string,
  position: Position,
  size: number,
): Promise<Page<CredentialList>> {
  const page = pageSql(position, size, 2)
  const { rows } = await db.query<Row>(`${SELECT} where l.account_sid = $1 ${page.text}`, [accountSid, ...page.values])
  return toPage(rows.map(toCredentialList), position, size)
}

export async function countCredentialLists(tx: Queryable, accountSid: string): Promise<number> {
  const { rows } = await tx.query<{ lists: number }>(
    'select count(*)::int as lists from credential_lists where account_sid = $1',
    [accountSid],
  )
  return rows[0]?.lists ?? 0
}

/** Writes name and realm; undefined leaves the one that is there. */
export async function updateCredentialList(
  tx: Queryable,
  sid: string,
  change: { friendlyName?: string | undefined; realm?: string | undefined },
): Promise<void> {
  await tx.query(
    `update credential_lists
     set friendly_name = coalesce($2, friendly_name), realm = coalesce($3, realm), updated_at = now()
     where sid = $1`,
    [sid, change.friendlyName, change.realm],
  )
}

/** Throws the foreign-key violation `domain_credential_lists_list_fkey` where a domain uses the list. */
export async function deleteCredentialList(tx: Queryable, sid: string): Promise<void> {
  await tx.query('delete from credential_lists where sid = $1', [sid])
}
