import type { Queryable } from './database.js'
import { announceChanges, type Change, type ChangeRow, toChange } from './outbox.js'

/** Notes that all credentials of an account are to be mirrored anew, slice by slice, after this transaction. */
export async function beginAccountSweep(tx: Queryable, accountSid: string): Promise<void> {
  await tx.query('insert into account_sweeps (account_sid) values ($1)', [accountSid])
}

/**
 * Gives the next credentials of the oldest sweep a new version and a change each, past sweeps that another node is at.
 * The answer is undefined where there is nothing to sweep.
 */
export async function sweepSlice(tx: Queryable, limit: number): Promise<Change[] | undefined> {
  const { rows: sweeps } = await tx.query<{ id: string; account_sid: string; after_seq: string }>(
    'select id, account_sid, after_seq from account_sweeps order by id limit 1 for update skip locked',
  )
  const [sweep] = sweeps
  if (!sweep) return undefined
  const { rows: slice } = await tx.query<{ sid: string; seq: string }>(
    'select sid, seq from credentials where account_sid = $1 and seq > $2 order by seq limit $3 for update',
    [sweep.account_sid, sweep.after_seq, limit],
  )
  const last = slice.at(-1)
  if (last === undefined || slice.length < limit) await tx.query('delete from account_sweeps where id = $1', [sweep.id])
  else await tx.query('update account_sweeps set after_seq = $2 where id = $1', [sweep.id, last.seq])
  return touchCredentials(
    tx,
    slice.map(({ sid }) => sid),
  )
}

/** The caller has locked the credentials. */
async function touchCredentials(tx: Queryable, sids: readonly string[]): Promise<Change[]> {
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
  const changes = rows.map(toChange)
  await announceChanges(tx, changes)
  return changes
}
