import { HA1_FIELDS, type Ha1Field, type Ha1s, readHa1s, type StoredHa1s } from '../credential.js'
import type { Queryable } from './database.js'
import { announceChanges, type Change, type ChangeRow, toChange } from './outbox.js'

/** All fields of HA1s, in one order for all statements. */
const FIELDS: readonly Ha1Field[] = Object.values(HA1_FIELDS).flat()
const COLUMNS = FIELDS.join(', ')

/** What an import can set of a credential, and what it must know of one that is there. */
export type ImportedCredential = {
  readonly username: string
  readonly enabled: boolean
  readonly description: string
  readonly ha1s: StoredHa1s
}

/** An imported credential that is written: new under this SID, or over the one that has it. */
export type ImportedRow = ImportedCredential & { readonly sid: string }

type Row = {
  sid: string
  username: string
  list_sid: string
  enabled: boolean
  description: string
} & Record<Ha1Field, string | null>

/** A credential that is there already; without any HA1 where what stands for MD5's is none. */
export type PresentCredential = Omit<ImportedCredential, 'ha1s'> & {
  readonly sid: string
  readonly listSid: string
  readonly ha1s: Partial<Ha1s>
}

/** Those of the named users that the realm has, by user name. */
export async function findPresentCredentials(
  db: Queryable,
  realm: string,
  usernames: readonly string[],
): Promise<Map<string, PresentCredential>> {
  const { rows } = await db.query<Row>(
    `select sid, username, list_sid, enabled, description, ${COLUMNS} from credentials
     where realm = $1 and username = any($2::text[])`,
    [realm, usernames],
  )
  return new Map(rows.map((row) => [row.username, toPresent(row)]))
}

function toPresent(row: Row): PresentCredential {
  const { sid, username, list_sid: listSid, enabled, description } = row
  return { sid, username, listSid, enabled, description, ha1s: readHa1s(row) ?? {} }
}

/**
 * Writes credentials into a list, each with its version and its change in the outbox; one whose name the realm has
 * takes the place of what is there, in the list where that lies. The caller has locked the realm for update, so that
 * nobody else writes a name in it.
 */
export async function writeImported(
  tx: Queryable,
  list: { readonly sid: string; readonly accountSid: string; readonly realm: string },
  imported: readonly ImportedRow[],
): Promise<Change[]> {
  const { rows } = await tx.query<ChangeRow>(
    `with written as (
       insert into credentials (list_sid, account_sid, realm, version, sid, username, enabled, description, ${COLUMNS})
       select $1, $2, $3, nextval('change_version'), n.*
       from unnest($4::text[], $5::text[], $6::boolean[], $7::text[],
                   $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[]) as n
       on conflict on constraint credentials_username_key do update
       set version = excluded.version, updated_at = now(),
           enabled = excluded.enabled, description = excluded.description,
           ${FIELDS.map((field) => `${field} = excluded.${field}`).join(', ')}
       returning realm, username, version
     ), appended as (
       insert into outbox (kind, name, username, version)
       select 'credential', realm, username, version from written
       returning id, kind, name, username, version
     )
     select * from appended`,
    [
      ...[list.sid, list.accountSid, list.realm],
      ...[imported.map(({ sid }) => sid), imported.map(({ username }) => username)],
      ...[imported.map(({ enabled }) => enabled), imported.map(({ description }) => description)],
      ...FIELDS.map((field) => imported.map(({ ha1s }) => ha1s[field] ?? null)),
    ],
  )
  const changes = rows.map(toChange)
  await announceChanges(tx, changes)
  return changes
}
