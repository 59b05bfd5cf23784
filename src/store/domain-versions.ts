import type { Queryable } from './database.js'
import { type Change, type ChangeRow, OUTBOX_CHANNEL, toChange } from './outbox.js'

/** Locks the domains until the transaction ends, one after the other in one order. */
export async function lockDomains(tx: Queryable, sids: readonly string[]): Promise<void> {
  await tx.query('select from domains where sid = any($1) order by sid for update', [sids])
}

/** Locks the domains and gives each a new version and a change: what the mirror holds of them has changed. */
export async function touchDomains(tx: Queryable, sids: readonly string[]): Promise<Change[]> {
  await lockDomains(tx, sids)
  const { rows } = await tx.query<ChangeRow>(
    `with touched as (
       update domains set version = nextval('change_version') where sid = any($1)
       returning domain_name, version
     ), appended as (
       insert into outbox (kind, name, version)
       select 'domain', domain_name, version from touched
       returning id, kind, name, username, version
     )
     select appended.*, pg_notify($2, json_build_array(kind, name, username, version::text)::text) from appended`,
    [sids, OUTBOX_CHANNEL],
  )
  return rows.map(toChange)
}

/** SIDs of an account's domains. */
export async function findAccountDomains(tx: Queryable, accountSid: string): Promise<string[]> {
  const { rows } = await tx.query<{ sid: string }>('select sid from domains where account_sid = $1', [accountSid])
  return rows.map(({ sid }) => sid)
}
