import type { Queryable } from './database.js'
import { type Page, type Position, pageSql, toPage } from './page.js'

export const ACCOUNT_STATUSES = ['active', 'suspended', 'closed'] as const
export type AccountStatus = (typeof ACCOUNT_STATUSES)[number]

/** An account as stored; its tokens only as hashes, which `findTokenHolder` gives to the one who compares. */
export type Account = {
  readonly seq: string
  readonly sid: string
  readonly authId: string
  /** Undefined for the master account. */
  readonly parentSid: string | undefined
  readonly friendlyName: string
  readonly status: AccountStatus
  /** Default realm of the account's credential lists. */
  readonly realm: string
  readonly createdAt: Date
  readonly updatedAt: Date
}

type Row = {
  seq: string
  sid: string
  auth_id: string
  parent_sid: string | null
  friendly_name: string
  status: AccountStatus
  realm: string
  created_at: Date
  updated_at: Date
}

const COLUMNS = 'seq, sid, auth_id, parent_sid, friendly_name, status, realm, created_at, updated_at'

function toAccount(row: Row): Account {
  return {
    seq: row.seq,
    sid: row.sid,
    authId: row.auth_id,
    parentSid: row.parent_sid ?? undefined,
    friendlyName: row.friendly_name,
    status: row.status,
    realm: row.realm,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}

export type NewAccount = {
  readonly sid: string
  readonly authId: string
  readonly parentSid: string | undefined
  readonly friendlyName: string
  /** SHA-256 of the token; undefined for the master. */
  readonly tokenHash: Buffer | undefined
  readonly realm: string
}

/** Writes a new account; a master that is there already stays as it is, and the answer is false. */
export async function insertAccount(tx: Queryable, account: NewAccount): Promise<boolean> {
  const { rows } = await tx.query(
    `insert into accounts (sid, auth_id, parent_sid, friendly_name, token_hash, realm)
     values ($1, $2, $3, $4, $5, $6)
     on conflict (sid) do nothing
     returning sid`,
    [account.sid, account.authId, account.parentSid, account.friendlyName, account.tokenHash, account.realm],
  )
  return rows.length > 0
}

export async function findAccount(db: Queryable, sid: string): Promise<Account | undefined> {
  const { rows } = await db.query<Row>(`select ${COLUMNS} from accounts where sid = $1`, [sid])
  return rows[0] && toAccount(rows[0])
}

/** The accounts that no other is above. */
export async function findMasterSids(db: Queryable): Promise<string[]> {
  const { rows } = await db.query<{ sid: string }>('select sid from accounts where parent_sid is null order by seq')
  return rows.map(({ sid }) => sid)
}

/** Finds an account by its `MA_…` id. */
export async function findAccountByAuthId(db: Queryable, authId: string): Promise<Account | undefined> {
  const { rows } = await db.query<Row>(`select ${COLUMNS} from accounts where auth_id = $1`, [authId])
  return rows[0] && toAccount(rows[0])
}

/** Locks the account for the rest of the transaction: `share` keeps its status as it is, `update` is for changing it. */
export async function lockAccount(
  tx: Queryable,
  sid: string,
  strength: 'share' | 'update',
): Promise<Account | undefined> {
  const { rows } = await tx.query<Row>(`select ${COLUMNS} from accounts where sid = $1 for ${strength}`, [sid])
  return rows[0] && toAccount(rows[0])
}

/** An account, and the SHA-256 of every token of it that is good now; none for the master, whose are configuration. */
export type TokenHolder = { readonly account: Account; readonly tokenHashes: readonly Buffer[] }

/** For whoever compares a token: one question, whether the account exists or not. The database's clock counts. */
export async function findTokenHolder(db: Queryable, sid: string): Promise<TokenHolder | undefined> {
  const { rows } = await db.query<Row & { token_hash: Buffer | null; previous_token_hash: Buffer | null }>(
    `select ${COLUMNS}, token_hash,
            case when previous_token_until > now() then previous_token_hash end as previous_token_hash
     from accounts where sid = $1`,
    [sid],
  )
  const [row] = rows
  if (!row) return undefined
  const tokenHashes = [row.token_hash, row.previous_token_hash].filter((hash) => hash !== null)
  return { account: toAccount(row), tokenHashes }
}

/**
 * Gives the account another token; the one before stays good for the overlap, in seconds, and the one before that ends
 * at once. The answer is when the one before ends, undefined where it has ended.
 */
export async function updateTokenHash(
  tx: Queryable,
  sid: string,
  tokenHash: Buffer,
  overlapSeconds: number,
): Promise<Date | undefined> {
  const { rows } = await tx.query<{ previous_token_until: Date | null }>(
    `update accounts
     set previous_token_hash = case when $3::int > 0 then token_hash end,
         previous_token_until = case when $3::int > 0 then now() + $3::int * interval '1 second' end,
         token_hash = $2, updated_at = now()
     where sid = $1
     returning previous_token_until`,
    [sid, tokenHash, overlapSeconds],
  )
  return rows[0]?.previous_token_until ?? undefined
}

export type AccountFilter = { readonly friendlyName?: string | undefined; readonly status?: AccountStatus | undefined }

/** An account and those below it, newest first. */
export async function listAccounts(
  db: Queryable,
  ownerSid: string,
  filter: AccountFilter,
  position: Position,
  size: number,
): Promise<Page<Account>> {
  const page = pageSql(position, size, 4)
  const { rows } = await db.query<Row>(
    `select ${COLUMNS} from accounts
     where (sid = $1 or parent_sid = $1)
       and ($2::text is null or friendly_name = $2)
       and ($3::text is null or status = $3)
     ${page.text}`,
    [ownerSid, filter.friendlyName, filter.status, ...page.values],
  )
  return toPage(rows.map(toAccount), position, size)
}

/** Writes name and status; undefined leaves the one that is there. */
export async function updateAccount(
  tx: Queryable,
  sid: string,
  change: { friendlyName?: string | undefined; status?: AccountStatus | undefined },
): Promise<void> {
  await tx.query(
    `update accounts
     set friendly_name = coalesce($2, friendly_name), status = coalesce($3, status), updated_at = now()
     where sid = $1`,
    [sid, change.friendlyName, change.status],
  )
}
