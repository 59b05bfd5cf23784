import type { Queryable } from './database.js'
import { announceChanges, type Change, type ChangeRow, toChange } from './outbox.js'

/**
 * Deletes the next credentials of a list, `limit` at most, each with its change in the outbox: those after a sequence
 * number, so that nobody walks over what was deleted before. Answers that of the last one, where there was one.
 */
export async function deleteListCredentials(
  tx: Queryable,
  listSid: string,
  afterSeq: string,
  limit: number,
): Promise<{ changes: Change[]; lastSeq: string | undefined }> {
  // Locked one after the other in one order, and their versions drawn only then.
  const { rows: locked } = await tx.query<{ sid: string; seq: string }>(
    'select sid, seq from credentials where list_sid = $1 and seq > $2 order by seq limit $3 for update',
    [listSid, afterSeq, limit],
  )
  const { rows } = await tx.query<ChangeRow>(
    `with deleted as (
       delete from credentials where sid = any($1) returning realm, username
     ), appended as (
       insert into outbox (kind, name, username, version)
       select 'credential', realm, username, nextval('change_version') from deleted
       returning id, kind, name, username, version
     )
     select * from appended`,
    [locked.map(({ sid }) => sid)],
  )
  const changes = rows.map(toChange)
  await announceChanges(tx, changes)
  return { changes, lastSeq: locked.at(-1)?.seq }
}

/** Whether an account has more credentials than so many. */
export async function hasMoreCredentials(tx: Queryable, accountSid: string, most: number): Promise<boolean> {
  const { rows } = await tx.query('select from credentials where account_sid = $1 offset $2 limit 1', [
    accountSid,
    most,
  ])
  return rows.length > 0
}

/** Gives all credentials of an account a new version and a change each: what they may do depends on its status. */
export async function touchAccountCredentials(tx: Queryable, accountSid: string): Promise<Change[]> {
  const { rows } = await tx.query<{ sid: string }>(
    'select sid from credentials where account_sid = $1 order by sid for update',
    [accountSid],
  )
  const changes = await touchCredentials(
    tx,
    rows.map(({ sid }) => sid),
  )
  await announceChanges(tx, changes)
  return changes
}

/** Gives credentials a new version and a change each. The caller has locked them, and announces the changes. */
export async function touchCredentials(tx: Queryable, sids: readonly string[]): Promise<Change[]> {
  const { rows } = await tx.query<ChangeRow>(
    `with touched as (
       update credentials set version = nextval('change_version') where sid = any($1)
       returning realm, username, version
     ), appended as (
       insert into outbox (kind, name, username, version)
       select 'credential', realm, username, version from touched
       returning id, kind, name, username, version
     )
     select * from appended`,
    [sids],
  )
  return rows.map(toChange)
}
