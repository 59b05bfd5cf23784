import type { Author } from '../author.js'
import type { Queryable } from './database.js'

/** What can happen to what: the words of the audit trail. */
export const AUDIT_ACTIONS = [
  ...['account.create', 'account.update', 'account.rotate_token'],
  ...['credential_list.create', 'credential_list.update', 'credential_list.delete'],
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
