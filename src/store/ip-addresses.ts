import type { Queryable } from './database.js'
import { type Page, type Position, pageSql, toPage } from './page.js'

/** An address, or a block of them, in an IP access control list. */
export type IpAddress = {
  readonly seq: string
  readonly sid: string
  readonly accountSid: string
  readonly listSid: string
  readonly friendlyName: string
  /** IPv4 in dotted decimal, or IPv6 as in RFC 5952. */
  readonly ipAddress: string
  /** Bits of the address that count, from the left: 32 at most for IPv4, 128 for IPv6. */
  readonly cidrPrefixLength: number
  readonly createdAt: Date
  readonly updatedAt: Date
}

type Row = {
  seq: string
  sid: string
  account_sid: string
  list_sid: string
  friendly_name: string
  ip_address: string
  cidr_prefix_length: number
  created_at: Date
  updated_at: Date
}

const COLUMNS = `seq, sid, account_sid, list_sid, friendly_name, ip_address, cidr_prefix_length, created_at, updated_at`

function toIpAddress(row: Row): IpAddress {
  return {
    seq: row.seq,
    sid: row.sid,
    accountSid: row.account_sid,
    listSid: row.list_sid,
    friendlyName: row.friendly_name,
    ipAddress: row.ip_address,
    cidrPrefixLength: row.cidr_prefix_length,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}

export type NewIpAddress = Pick<
  IpAddress,
  'sid' | 'accountSid' | 'listSid' | 'friendlyName' | 'ipAddress' | 'cidrPrefixLength'
>

export async function insertIpAddress(tx: Queryable, address: NewIpAddress): Promise<IpAddress> {
  const { rows } = await tx.query<Row>(
    `insert into ip_addresses (sid, account_sid, list_sid, friendly_name, ip_address, cidr_prefix_length)
     values ($1, $2, $3, $4, $5, $6)
     returning ${COLUMNS}`,
    [
      ...[address.sid, address.accountSid, address.listSid],
      ...[address.friendlyName, address.ipAddress, address.cidrPrefixLength],
    ],
  )
  return toIpAddress(rows[0] as Row)
}

/** Finds an address of this list; what is another's does not exist. */
export async function findIpAddress(db: Queryable, listSid: string, sid: string): Promise<IpAddress | undefined> {
  const { rows } = await db.query<Row>(`select ${COLUMNS} from ip_addresses where list_sid = $1 and sid = $2`, [
    listSid,
    sid,
  ])
  return rows[0] && toIpAddress(rows[0])
}

/** A list's addresses, newest first. */
export async function listIpAddresses(
  db: Queryable,
  listSid: string,
  position: Position,
  size: number,
): Promise<Page<IpAddress>> {
  const page = pageSql(position, size, 2)
  const { rows } = await db.query<Row>(`select ${COLUMNS} from ip_addresses where list_sid = $1 ${page.text}`, [
    listSid,
    ...page.values,
  ])
  return toPage(rows.map(toIpAddress), position, size)
}

export async function countIpAddresses(tx: Queryable, listSid: string): Promise<number> {
  const { rows } = await tx.query<{ addresses: number }>(
    'select count(*)::int as addresses from ip_addresses where list_sid = $1',
    [listSid],
  )
  return rows[0]?.addresses ?? 0
}

export async function updateIpAddress(
  tx: Queryable,
  sid: string,
  { friendlyName, ipAddress, cidrPrefixLength }: Pick<IpAddress, 'friendlyName' | 'ipAddress' | 'cidrPrefixLength'>,
): Promise<IpAddress> {
  const { rows } = await tx.query<Row>(
    `update ip_addresses set friendly_name = $2, ip_address = $3, cidr_prefix_length = $4, updated_at = now()
     where sid = $1
     returning ${COLUMNS}`,
    [sid, friendlyName, ipAddress, cidrPrefixLength],
  )
  return toIpAddress(rows[0] as Row)
}

export async function deleteIpAddress(tx: Queryable, sid: string): Promise<void> {
  await tx.query('delete from ip_addresses where sid = $1', [sid])
}
