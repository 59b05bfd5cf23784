import type { Author, AuthorDoor } from '../author.js'
import type { Queryable } from './database.js'

/** What can happen to what: the words of the audit trail. */
export const AUDIT_ACTIONS = [
  ...['account.create', 'account.update', 'account.rotate_token'],
  ...['credential_list.create', 'credential_list.update', 'credential_list.delete'],
  'credential_list.delete_credentials',
  ...['credential.create', 'credential.update', 'credential.delete', 'credential.import'],
  ...['domain.create', 'domain.update', 'domain.delete'],
  ...['domain.map_credential_list', 'domain.unmap_credential_list'],
  ...['domain.map_ip_access_control_list', 'domain.unmap_ip_access_control_list'],
  ...['ip_access_control_list.create', 'ip_access_control_list.update', 'ip_access_control_list.delete'],
  ...['ip_address.create', 'ip_address.update', 'ip_address.delete'],
] as const

export type AuditAction = (typeof AUDIT_ACTIONS)[number]

/** One change. `detail` names what was set, in words that are no secret: a password's change is `{ password: true }`. */
export type AuditEntry = {
  /** Account that the change belongs to. */
  readonly accountSid: string
  readonly action: AuditAction
  readonly resourceSid: string
  readonly detail?: Readonly<Record<string, unknown>>
}

/** Writes down a change, in the transaction of the change itself. */
export async function appendAudit(tx: Queryable, author: Author, entry: AuditEntry): Promise<void> {
  await tx.query(
    `insert into audit (account_sid, actor_sid, door, request_id, action, resource_sid, detail)
     values ($1, $2, $3, $4, $5, $6, $7)`,
    [
      ...[entry.accountSid, author.actorSid, author.door, author.requestId],
      ...[entry.action, entry.resourceSid, JSON.stringify(entry.detail ?? {})],
    ],
  )
}

/** Writes down many changes in one statement, in the transaction of the changes themselves. */
export async function appendAudits(tx: Queryable, author: Author, entries: readonly AuditEntry[]): Promise<void> {
  await tx.query(
    `insert into audit (account_sid, actor_sid, door, request_id, action, resource_sid, detail)
     select account_sid, $1, $2, $3, action, resource_sid, detail::jsonb
     from unnest($4::text[], $5::text[], $6::text[], $7::text[]) as entry (account_sid, action, resource_sid, detail)`,
    [
      ...[author.actorSid, author.door, author.requestId],
      ...[entries.map(({ accountSid }) => accountSid), entries.map(({ action }) => action)],
      ...[entries.map(({ resourceSid }) => resourceSid), entries.map(({ detail = {} }) => JSON.stringify(detail))],
    ],
  )
}

/** A line of the trail. */
export type AuditRecord = Required<AuditEntry> & {
  /** Grows with every line, in decimal digits. */
  readonly id: string
  readonly at: Date
  readonly author: Author
}

/** Which lines are meant; what is undefined does not count. */
export type AuditFilter = {
  /** SID, or `MA_…` id. */
  readonly account?: string | undefined
  readonly action?: AuditAction | undefined
  readonly resourceSid?: string | undefined
  /** From this time on. */
  readonly since?: Date | undefined
  /** Before this time. */
  readonly until?: Date | undefined
}

type Row = {
  id: string
  at: Date
  account_sid: string
  actor_sid: string | null
  door: AuthorDoor
  request_id: string | null
  action: AuditAction
  resource_sid: string
  detail: Readonly<Record<string, unknown>>
}

/** The newest lines, newest first; those before the line `before` where it is given, so that the next page costs no more. */
export async function listAudit(
  db: Queryable,
  filter: AuditFilter,
  { before, size }: { readonly before: string | undefined; readonly size: number },
): Promise<AuditRecord[]> {
  const { rows } = await db.query<Row>(
    `select id, at, account_sid, actor_sid, door, request_id, action, resource_sid, detail
     from audit
     where ($1::text is null or account_sid = coalesce((select sid from accounts where auth_id = $1), $1))
       and ($2::text is null or action = $2)
       and ($3::text is null or resource_sid = $3)
       and ($4::timestamptz is null or at >= $4)
       and ($5::timestamptz is null or at < $5)
       and ($6::bigint is null or id < $6)
     order by id desc limit $7`,
    [filter.account, filter.action, filter.resourceSid, filter.since, filter.until, before, size],
  )
  return rows.map((row) => ({
    id: row.id,
    at: row.at,
    accountSid: row.account_sid,
    author: { actorSid: row.actor_sid ?? undefined, door: row.door, requestId: row.request_id ?? undefined },
    action: row.action,
    resourceSid: row.resource_sid,
    detail: row.detail,
  }))
}

/**
 * Deletes the oldest lines that are older than so many days, `limit` at most, and answers how many it were. Nodes that do
 * so at once pass over each other's.
 */
export async function deleteOldAudit(db: Queryable, days: number, limit: number): Promise<number> {
  const { rows } = await db.query(
    `delete from audit
     where id in (
       select id from audit where at < now() - $1::int * interval '1 day' order by at limit $2 for update skip locked
     )
     returning id`,
    [days, limit],
  )
  return rows.length
}
