import type { Queryable } from './database.js'

/** Any number will do, as long as every node takes the same one. */
const NAMES_LOCK = 5060_5062

/**
 * Makes those who take a host name, as a domain or as a realm, do so one after the other until their transactions end:
 * of two names that lie under each other, no index can tell. All accounts share this lock, so it is taken last, when no
 * other is waited for any more.
 */
export async function lockNames(tx: Queryable): Promise<void> {
  await tx.query('select pg_advisory_xact_lock($1)', [NAMES_LOCK])
}

/** Which names of other accounts stand in the way of one that an account wants. */
export type NameSearch = {
  readonly accountSid: string
  /** Names that nobody else may have: the wanted one and those above it. */
  readonly names: readonly string[]
  /** Nobody else may have a name under this one either, in lower case. */
  readonly above: string
  /** Names under this one do not count, unless it is undefined. */
  readonly except: string | undefined
}

/** Whether another account has a domain that stands in the way. */
export async function isDomainInTheWay(tx: Queryable, search: NameSearch): Promise<boolean> {
  const { rows } = await tx.query<{ found: boolean }>(
    `select exists (select from domains
       where account_sid <> $1
         and (domain_name = any($2)
              or reverse(domain_name) like reverse($3) || '.%'
                 and ($4::text is null or domain_name not like '%.' || $4))) as found`,
    [search.accountSid, search.names, search.above, search.except],
  )
  return rows[0]?.found ?? false
}

/** Whether another account has a realm that stands in the way. */
export async function isRealmInTheWay(tx: Queryable, search: NameSearch): Promise<boolean> {
  const { rows } = await tx.query<{ found: boolean }>(
    `select exists (select from realms
       where account_sid <> $1
         and (realm = any($2)
              or reverse(realm) like reverse($3) || '.%'
                 and ($4::text is null or realm not like '%.' || $4))) as found`,
    [search.accountSid, search.names, search.above, search.except],
  )
  return rows[0]?.found ?? false
}
