import type { Queryable } from './database.js'
import { touchCredentials } from './many-credentials.js'
import type { Change } from './outbox.js'
import { lockAccountRealms } from './realms.js'

type Sweep = { readonly id: string; readonly account_sid: string; readonly after_seq: string }

/** Notes that all credentials of an account are to be mirrored anew, slice by slice, after this transaction. */
export async function beginAccountSweep(tx: Queryable, accountSid: string): Promise<void> {
  await tx.query('insert into account_sweeps (account_sid) values ($1)', [accountSid])
}

/**
 * Gives the next credentials of the oldest sweep a new version and a change each, past sweeps that another node is at.
 * The answer is undefined where there is nothing to sweep.
 */
export async function sweepSlice(tx: Queryable, limit: number): Promise<Change[] | undefined> {
  const { rows: sweeps } = await tx.query<Sweep>(
    'select id, account_sid, after_seq from account_sweeps order by id limit 1 for update skip locked',
  )
  const [sweep] = sweeps
  if (!sweep) return undefined
  const slice = (await isSuperseded(tx, sweep)) ? [] : await lockNext(tx, sweep, limit)
  const last = slice.at(-1)
  if (last === undefined || slice.length < limit) await tx.query('delete from account_sweeps where id = $1', [sweep.id])
  else await tx.query('update account_sweeps set after_seq = $2 where id = $1', [sweep.id, last.seq])
  // Announced to nobody: a mirror in memory goes by the record of the realm and keeps the HA1s.
  return touchCredentials(
    tx,
    slice.map(({ sid }) => sid),
  )
}

/** Ends all sweeps that no node is at, where Redis mirrors nothing and so nobody needs them. */
export async function dropSweeps(db: Queryable): Promise<void> {
  await db.query(
    `delete from account_sweeps
     where id in (select id from account_sweeps order by id for update skip locked)
       and not exists (select from instance where mirrored_in_redis)`,
  )
}

/** A later sweep of the same account goes over all of its credentials once more. */
async function isSuperseded(tx: Queryable, { id, account_sid }: Sweep): Promise<boolean> {
  const { rows } = await tx.query('select from account_sweeps where account_sid = $1 and id > $2 limit 1', [
    account_sid,
    id,
  ])
  return rows.length > 0
}

/** Whoever else writes many credentials holds their realm, so no two meet who lock them in different orders. */
async function lockNext(tx: Queryable, { account_sid, after_seq }: Sweep, limit: number) {
  await lockAccountRealms(tx, account_sid)
  const { rows } = await tx.query<{ sid: string; seq: string }>(
    'select sid, seq from credentials where account_sid = $1 and seq > $2 order by seq limit $3 for update',
    [account_sid, after_seq, limit],
  )
  return rows
}
