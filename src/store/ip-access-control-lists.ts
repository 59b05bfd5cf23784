import type { Queryable } from './database.js'
import { type Page, type Position, pageSql, toPage } from './page.js'

/** A list of addresses that calls may come from. */
export type IpAccessControlList = {
  readonly seq: string
  readonly sid: string
  readonly accountSid: string
  readonly friendlyName: string
  readonly createdAt: Date
  readonly updatedAt: Date
}

type Row = {
  seq: string
  sid: string
  account_sid: string
  friendly_name: string
  created_at: Date
  updated_at: Date
}

const COLUMNS = 'seq, sid, account_sid, friendly_name, created_at, updated_at'

function toList(row: Row): IpAccessControlList {
  return {
    seq: row.seq,
    sid: row.sid,
    accountSid: row.account_sid,
    friendlyName: row.friendly_name,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}

export async function insertIpAccessControlList(
  tx: Queryable,
  list: { sid: string; accountSid: string; friendlyName: string },
): Promise<IpAccessControlList> {
  const { rows } = await tx.query<Row>(
    `insert into ip_access_control_lists (sid, account_sid, friendly_name) values ($1, $2, $3) returning ${COLUMNS}`,
    [list.sid, list.accountSid, list.friendlyName],
  )
  return toList(rows[0] as Row)
}

/** Finds a list of this account; what is another's does not exist. */
export async function findIpAccessControlList(
  db: Queryable,
  accountSid: string,
  sid: string,
): Promise<IpAccessControlList | undefined> {
  const { rows } = await db.query<Row>(
    `select ${COLUMNS} from ip_access_control_lists where account_sid = $1 and sid = $2`,
    [accountSid, sid],
  )
  return rows[0] && toList(rows[0])
}

/** Like `findIpAccessControlList`, and nobody else changes or fills the list until the transaction ends. */
export async function lockIpAccessControlList(
  tx: Queryable,
  accountSid: string,
  sid: string,
): Promise<IpAccessControlList | undefined> {
  const { rows } = await tx.query<Row>(
    `select ${COLUMNS} from ip_access_control_lists where account_sid = $1 and sid = $2 for update`,
    [accountSid, sid],
  )
  return rows[0] && toList(rows[0])
}

/** An account's lists, newest first. */
export async function listIpAccessControlLists(
  db: Queryable,
  accountSid: string,
  position: Position,
  size: number,
): Promise<Page<IpAccessControlList>> {
  const page = pageSql(position, size, 2)
  const { rows } = await db.query<Row>(
    `select ${COLUMNS} from ip_access_control_lists where account_sid = $1 ${page.text}`,
    [accountSid, ...page.values],
  )
  return toPage(rows.map(toList), position, size)
}

export async function countIpAccessControlLists(tx: Queryable, accountSid: string): Promise<number> {
  const { rows } = await tx.query<{ lists: number }>(
    'select count(*)::int as lists from ip_access_control_lists where account_sid = $1',
    [accountSid],
  )
  return rows[0]?.lists ?? 0
}

export async function updateIpAccessControlList(
  tx: Queryable,
  sid: string,
  friendlyName: string,
): Promise<IpAccessControlList> {
  const { rows } = await tx.query<Row>(
    `update ip_access_control_lists set friendly_name = $2, updated_at = now() where sid = $1 returning ${COLUMNS}`,
    [sid, friendlyName],
  )
  return toList(rows[0] as Row)
}

/** Throws the foreign-key violation `domain_ip_access_control_lists_list_fkey` where a domain uses the list. */
export async function deleteIpAccessControlList(tx: Queryable, sid: string): Promise<void> {
  await tx.query('delete from ip_access_control_lists where sid = $1', [sid])
}
