import type { Queryable } from './database.js'
import { type Page, type Position, pageSql, toPage } from './page.js'

/** What a credential list can be mapped for. */
export type Purpose = 'calls' | 'registrations'

/** A list in a domain; it is known by the list's SID and name. */
export type DomainMapping = {
  readonly seq: string
  /** SID of the list. */
  readonly sid: string
  readonly accountSid: string
  readonly domainSid: string
  /** Name of the list. */
  readonly friendlyName: string
  readonly createdAt: Date
  readonly updatedAt: Date
}

type Row = {
  seq: string
  sid: string
  account_sid: string
  domain_sid: string
  friendly_name: string
  created_at: Date
  updated_at: Date
}

const CREDENTIAL_LISTS = `select m.seq, l.sid, l.account_sid, m.domain_sid, l.friendly_name, m.created_at, m.updated_at
  from domain_credential_lists m join credential_lists l on l.sid = m.list_sid
  where m.domain_sid = $1 and m.purpose = $2`

const IP_ACCESS_CONTROL_LISTS = `select m.seq, l.sid, l.account_sid, m.domain_sid, l.friendly_name, m.created_at,
    m.updated_at
  from domain_ip_access_control_lists m join ip_access_control_lists l on l.sid = m.list_sid
  where m.domain_sid = $1`

function toMapping(row: Row): DomainMapping {
  return {
    seq: row.seq,
    sid: row.sid,
    accountSid: row.account_sid,
    domainSid: row.domain_sid,
    friendlyName: row.friendly_name,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}

/** Maps a credential list; false where it is mapped for this already. */
export async function insertCredentialListMapping(
  tx: Queryable,
  domainSid: string,
  purpose: Purpose,
  listSid: string,
): Promise<boolean> {
  const { rowCount } = await tx.query(
    `insert into domain_credential_lists (domain_sid, purpose, list_sid) values ($1, $2, $3)
     on conflict do nothing`,
    [domainSid, purpose, listSid],
  )
  return rowCount === 1
}

/** Ends a mapping; false where there is none. */
export async function deleteCredentialListMapping(
  tx: Queryable,
  domainSid: string,
  purpose: Purpose,
  listSid: string,
): Promise<boolean> {
  const { rowCount } = await tx.query(
    'delete from domain_credential_lists where domain_sid = $1 and purpose = $2 and list_sid = $3',
    [domainSid, purpose, listSid],
  )
  return rowCount === 1
}

export async function findCredentialListMapping(
  db: Queryable,
  domainSid: string,
  purpose: Purpose,
  listSid: string,
): Promise<DomainMapping | undefined> {
  const { rows } = await db.query<Row>(`${CREDENTIAL_LISTS} and m.list_sid = $3`, [domainSid, purpose, listSid])
  return rows[0] && toMapping(rows[0])
}

/** A domain's credential lists for one purpose, newest mapping first. */
export async function listCredentialListMappings(
  db: Queryable,
  domainSid: string,
  purpose: Purpose,
  position: Position,
  size: number,
): Promise<Page<DomainMapping>> {
  const page = pageSql(position, size, 3)
  const { rows } = await db.query<Row>(`select * from (${CREDENTIAL_LISTS}) m where true ${page.text}`, [
    domainSid,
    purpose,
    ...page.values,
  ])
  return toPage(rows.map(toMapping), position, size)
}

/** Whether the domain has a credential list, for whatever purpose. */
export async function hasCredentialLists(tx: Queryable, domainSid: string): Promise<boolean> {
  const { rows } = await tx.query<{ found: boolean }>(
    'select exists (select from domain_credential_lists where domain_sid = $1) as found',
    [domainSid],
  )
  return rows[0]?.found ?? false
}

/** Whether a domain uses the credential list. */
export async function isCredentialListMapped(tx: Queryable, listSid: string): Promise<boolean> {
  const { rows } = await tx.query<{ found: boolean }>(
    'select exists (select from domain_credential_lists where list_sid = $1) as found',
    [listSid],
  )
  return rows[0]?.found ?? false
}

/** Maps an IP access control list to a domain's calls; false where it is mapped already. */
export async function insertIpListMapping(tx: Queryable, domainSid: string, listSid: string): Promise<boolean> {
  const { rowCount } = await tx.query(
    'insert into domain_ip_access_control_lists (domain_sid, list_sid) values ($1, $2) on conflict do nothing',
    [domainSid, listSid],
  )
  return rowCount === 1
}

/** Ends a mapping; false where there is none. */
export async function deleteIpListMapping(tx: Queryable, domainSid: string, listSid: string): Promise<boolean> {
  const { rowCount } = await tx.query(
    'delete from domain_ip_access_control_lists where domain_sid = $1 and list_sid = $2',
    [domainSid, listSid],
  )
  return rowCount === 1
}

export async function findIpListMapping(
  db: Queryable,
  domainSid: string,
  listSid: string,
): Promise<DomainMapping | undefined> {
  const { rows } = await db.query<Row>(`${IP_ACCESS_CONTROL_LISTS} and m.list_sid = $2`, [domainSid, listSid])
  return rows[0] && toMapping(rows[0])
}

/** A domain's IP access control lists, newest mapping first. */
export async function listIpListMappings(
  db: Queryable,
  domainSid: string,
  position: Position,
  size: number,
): Promise<Page<DomainMapping>> {
  const page = pageSql(position, size, 2)
  const { rows } = await db.query<Row>(`select * from (${IP_ACCESS_CONTROL_LISTS}) m where true ${page.text}`, [
    domainSid,
    ...page.values,
  ])
  return toPage(rows.map(toMapping), position, size)
}

export async function countIpListMappings(tx: Queryable, domainSid: string): Promise<number> {
  const { rows } = await tx.query<{ lists: number }>(
    'select count(*)::int as lists from domain_ip_access_control_lists where domain_sid = $1',
    [domainSid],
  )
  return rows[0]?.lists ?? 0
}

/** SIDs of the domains that use the IP access control list. */
export async function findIpListDomains(tx: Queryable, listSid: string): Promise<string[]> {
  const { rows } = await tx.query<{ domain_sid: string }>(
    'select domain_sid from domain_ip_access_control_lists where list_sid = $1',
    [listSid],
  )
  return rows.map(({ domain_sid }) => domain_sid)
}
