import type { RecordKey, RecordKind } from '../record-key.js'
import type { Queryable } from './database.js'

/** Channel on which commits announce their changes. */
export const OUTBOX_CHANNEL = 'sipauthd_outbox'

/** A key with the version that a change of it drew, in decimal digits. */
export type VersionedKey = RecordKey & { readonly version: string }

/** A committed change that is not yet mirrored. */
export type Change = VersionedKey & { readonly id: string }

/** `name` is the realm's, for credentials too, or the domain's. */
export type ChangeRow = {
  readonly id: string
  readonly kind: RecordKind
  readonly name: string
  readonly username: string | null
  readonly version: string
}

/** Reads a row of the outbox. */
export function toChange({ id, kind, name, username, version }: ChangeRow): Change {
  return { id, version, ...toKey(kind, name, username) }
}

function toKey(kind: RecordKind, name: string, username: string | null): RecordKey {
  if (kind === 'domain') return { kind, domain: name }
  return kind === 'realm' ? { kind, realm: name } : { kind, realm: name, username: username ?? '' }
}

function toColumns(key: RecordKey): [kind: RecordKind, name: string, username: string | null] {
  if (key.kind === 'domain') return [key.kind, key.domain, null]
  return [key.kind, key.realm, key.kind === 'credential' ? key.username : null]
}

/** Draws the next version. The caller holds the lock on what changes. */
export async function drawVersion(tx: Queryable): Promise<string> {
  const { rows } = await tx.query<{ version: string }>(`select nextval('change_version') as version`)
  return (rows[0] as { version: string }).version
}

/** Writes a change beside the row it belongs to, in that row's transaction; announced when that commits. */
export async function appendChange(tx: Queryable, key: RecordKey, version: string): Promise<Change> {
  const { rows } = await tx.query<ChangeRow>(
    `with appended as (
       insert into outbox (kind, name, username, version) values ($1, $2, $3, $4)
       returning id, kind, name, username, version
     )
     select appended.*, pg_notify($5, $6) from appended`,
    [...toColumns(key), version, OUTBOX_CHANNEL, toPayload(key, version)],
  )
  return toChange(rows[0] as ChangeRow)
}

/** Changes that are announced by their names; of more, whoever follows them is better off reading everything anew. */
const NAMED_MAX = 5_000
/** PostgreSQL takes payloads of less than 8000 bytes. */
const PAYLOAD_BYTES_MAX = 7_999

/** Announces changes that were written many at a time, in their transaction; many fit into one notification. */
export async function announceChanges(tx: Queryable, changes: readonly Change[]): Promise<void> {
  const payloads = changes.length > NAMED_MAX ? [''] : toPayloads(changes)
  await tx.query('select pg_notify($1, payload) from unnest($2::text[]) as payload', [OUTBOX_CHANNEL, payloads])
}

function toPayload(key: RecordKey, version: string): string {
  return JSON.stringify([...toColumns(key), version])
}

function toPayloads(changes: readonly Change[]): string[] {
  const payloads: string[] = []
  let items: string[] = []
  let bytes = 0
  for (const change of changes) {
    const item = toPayload(change, change.version)
    // Each has a comma or a bracket behind it, and there is one more bracket.
    const added = Buffer.byteLength(item) + 1
    if (bytes + added >= PAYLOAD_BYTES_MAX) {
      payloads.push(`[${items.join()}]`)
      items = []
      bytes = 0
    }
    items.push(item)
    bytes += added
  }
  return items.length > 0 ? [...payloads, `[${items.join()}]`] : payloads
}

type Announced = [kind: RecordKind, name: string, username: string | null, version: string]

/** What a notification says: the changes, or undefined where there were more than it could name. */
export function parseNotification(payload: string): VersionedKey[] | undefined {
  if (payload === '') return undefined
  const parsed = JSON.parse(payload) as Announced | Announced[]
  const announced = isOne(parsed) ? [parsed] : parsed
  return announced.map(([kind, name, username, version]) => ({ version, ...toKey(kind, name, username) }))
}

function isOne(parsed: Announced | Announced[]): parsed is Announced {
  return typeof parsed[0] === 'string'
}

/**
 * Whose mirror changes are taken into: the one that all nodes share, or a node's own. Nothing is taken out for the
 * latter where Redis is to hold it too; asked in the very statement, whose view of both is of one moment.
 */
export type MirrorKind = 'shared' | 'own'
const IS_TAKERS = (parameter: string) =>
  `(${parameter} = 'shared' or not exists (select from instance where mirrored_in_redis))`

/**
 * Claims the oldest changes for this transaction, past those that another node has claimed. The youngest are left to
 * the node that wrote them: it mirrors them itself.
 */
export async function claimChanges(
  tx: Queryable,
  limit: number,
  olderThanMs: number,
  mirror: MirrorKind,
): Promise<Change[]> {
  const { rows } = await tx.query<ChangeRow>(
    `select id, kind, name, username, version from outbox
     where created_at < clock_timestamp() - $2 * interval '1 millisecond' and ${IS_TAKERS('$3::text')}
     order by id limit $1
     for update skip locked`,
    [limit, olderThanMs, mirror],
  )
  return rows.map(toChange)
}

/** Takes mirrored changes out; those that another node has claimed meanwhile are that node's to take out. */
export async function deleteChanges(db: Queryable, changes: readonly Change[], mirror: MirrorKind): Promise<void> {
  await db.query(
    `delete from outbox
     where id in (select id from outbox where id = any($1::bigint[]) order by id for update skip locked)
       and ${IS_TAKERS('$2::text')}`,
    [changes.map(({ id }) => id), mirror],
  )
}

export type Backlog = { readonly pending: number; readonly oldestAgeSeconds: number }

/** How many changes wait, and for how long the oldest has. */
export async function measureBacklog(db: Queryable): Promise<Backlog> {
  const { rows } = await db.query<{ pending: number; age: number | null }>(
    `select count(*)::int as pending,
            extract(epoch from clock_timestamp() - min(created_at))::float8 as age
     from outbox`,
  )
  return { pending: rows[0]?.pending ?? 0, oldestAgeSeconds: Math.max(0, rows[0]?.age ?? 0) }
}

/** Id of the newest change that waits, if there is one. */
export async function newestChange(db: Queryable): Promise<string | undefined> {
  const { rows } = await db.query<{ id: string | null }>('select max(id) as id from outbox')
  return rows[0]?.id ?? undefined
}

/** Whether changes up to an id still wait. */
export async function hasChangesUpTo(db: Queryable, id: string): Promise<boolean> {
  const { rows } = await db.query<{ waiting: boolean }>(
    'select exists (select from outbox where id <= $1) as waiting',
    [id],
  )
  return rows[0]?.waiting ?? false
}
