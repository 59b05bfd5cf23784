import type { HashAlgorithm } from '../digest/algorithm.js'
import type { Queryable } from './database.js'
import { announceChanges, type Change, type ChangeRow, toChange } from './outbox.js'

/** A realm: its owner, and what its challenges offer where that is not the server's default. */
export type Realm = {
  readonly realm: string
  readonly accountSid: string
  readonly algorithms: readonly HashAlgorithm[] | undefined
  readonly version: string
}

type Row = { realm: string; account_sid: string; algorithms: string | null; version: string }

function toRealm(row: Row): Realm {
  return {
    realm: row.realm,
    accountSid: row.account_sid,
    algorithms: (row.algorithms?.split(',') as HashAlgorithm[] | undefined) ?? undefined,
    version: row.version,
  }
}

/** Takes the realm for the account, if nobody has it yet, and locks it; the answer says whose it is, and since when. */
export async function claimRealm(
  tx: Queryable,
  realm: string,
  accountSid: string,
): Promise<Realm & { readonly isNew: boolean }> {
  // The row that stood in the way may be deleted while its lock is waited for: then it is free to take.
  for (;;) {
    const inserted = await tx.query(
      `insert into realms (realm, account_sid, version) values ($1, $2, nextval('change_version'))
       on conflict (realm) do nothing`,
      [realm, accountSid],
    )
    const { rows } = await tx.query<Row>(
      'select realm, account_sid, algorithms, version from realms where realm = $1 for update',
      [realm],
    )
    if (rows[0]) return { ...toRealm(rows[0]), isNew: inserted.rowCount === 1 }
  }
}

/** SID of the account that the realm belongs to, if it is anybody's. */
export async function findRealmOwner(db: Queryable, realm: string): Promise<string | undefined> {
  const { rows } = await db.query<{ account_sid: string }>('select account_sid from realms where realm = $1', [realm])
  return rows[0]?.account_sid
}

/** Locks the realm for the rest of the transaction: writers of single names share it, a change of many excludes them. */
export async function lockRealm(tx: Queryable, realm: string, strength: 'share' | 'update'): Promise<void> {
  await tx.query(`select from realms where realm = $1 for ${strength}`, [realm])
}

/** Sets what the realm's challenges offer. */
export async function updateRealmAlgorithms(
  tx: Queryable,
  realm: string,
  algorithms: readonly HashAlgorithm[] | undefined,
  version: string,
): Promise<void> {
  await tx.query('update realms set algorithms = $2, version = $3 where realm = $1', [
    realm,
    algorithms?.join(','),
    version,
  ])
}

/** Gives the realm the version of a change of what its users can answer; the caller has locked it for update. */
export async function touchRealm(tx: Queryable, realm: string, version: string): Promise<void> {
  await tx.query('update realms set version = $2 where realm = $1', [realm, version])
}

/** Locks all realms of an account until the transaction ends, in the order of their names. */
export async function lockAccountRealms(tx: Queryable, accountSid: string): Promise<void> {
  await tx.query('select from realms where account_sid = $1 order by realm for update', [accountSid])
}

/** Gives all realms of an account a new version and a change each: whether it is active stands in their records. */
export async function touchAccountRealms(tx: Queryable, accountSid: string): Promise<Change[]> {
  await lockAccountRealms(tx, accountSid)
  const { rows } = await tx.query<ChangeRow>(
    `with touched as (
       update realms set version = nextval('change_version') where account_sid = $1
       returning realm, version
     ), appended as (
       insert into outbox (kind, name, version)
       select 'realm', realm, version from touched
       returning id, kind, name, username, version
     )
     select * from appended`,
    [accountSid],
  )
  const changes = rows.map(toChange)
  await announceChanges(tx, changes)
  return changes
}

/** How many lists use the realm. */
export async function countRealmLists(tx: Queryable, realm: string): Promise<number> {
  const { rows } = await tx.query<{ lists: number }>(
    'select count(*)::int as lists from credential_lists where realm = $1',
    [realm],
  )
  return rows[0]?.lists ?? 0
}

/**
 * Frees a realm that no list and no domain uses any more; an account's own default realm stays its own. The caller has locked it: a
 * list that is put into it meanwhile would not be seen.
 */
export async function deleteUnusedRealm(tx: Queryable, realm: string): Promise<boolean> {
  const { rowCount } = await tx.query(
    `delete from realms
     where realm = $1
       and not exists (select from credential_lists where realm = $1)
       and not exists (select from domains where realm = $1)
       and not exists (select from accounts where realm = $1)`,
    [realm],
  )
  return rowCount === 1
}
