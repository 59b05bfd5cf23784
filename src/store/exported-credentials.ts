import { HA1_FIELDS, type Ha1Field } from '../credential.js'
import type { Queryable } from './database.js'

/** All fields of HA1s, in the order in which they are exported. */
const FIELDS: readonly Ha1Field[] = Object.values(HA1_FIELDS).flat()

/** A credential whole, with the name of its list. */
export type ExportedCredential = {
  readonly seq: string
  readonly accountSid: string
  readonly list: string
  readonly realm: string
  readonly username: string
  readonly enabled: boolean
  readonly description: string
  readonly ha1s: Readonly<Partial<Record<Ha1Field, string>>>
}

type Row = {
  seq: string
  account_sid: string
  list: string
  realm: string
  username: string
  enabled: boolean
  description: string
} & Record<Ha1Field, string | null>

/** The credentials of an account, of a list or of all, oldest first, after a sequence number; for a walk over all. */
export async function walkExportedCredentials(
  db: Queryable,
  of: { readonly accountSid: string | undefined; readonly listSid: string | undefined },
  afterSeq: string,
  limit: number,
): Promise<ExportedCredential[]> {
  const { rows } = await db.query<Row>(
    `select c.seq, c.account_sid, l.friendly_name as list, c.realm, c.username, c.enabled, c.description,
            ${FIELDS.map((field) => `c.${field}`).join(', ')}
     from credentials c join credential_lists l on l.sid = c.list_sid
     where c.seq > $1 and ($2::text is null or c.account_sid = $2) and ($3::text is null or c.list_sid = $3)
     order by c.seq limit $4`,
    [afterSeq, of.accountSid, of.listSid, limit],
  )
  return rows.map(({ account_sid: accountSid, seq, list, realm, username, enabled, description, ...row }) => {
    const ha1s = Object.fromEntries(FIELDS.flatMap((field) => (row[field] === null ? [] : [[field, row[field]]])))
    return { seq, accountSid, list, realm, username, enabled, description, ha1s }
  })
}
