import type { SipDomain } from '../sip-domain.js'
import type { Queryable } from './database.js'

type MirroredRow = {
  sid: string
  name: string
  account_sid: string
  realm: string
  version: string
  active: boolean
  calls: string[]
  registrations: string[]
  ip_ranges: string[] | null
}

// Each array in one order, so that both stores hold the same text.
const MIRRORED = `select d.sid, d.domain_name as name, d.account_sid, d.realm, d.version, a.status = 'active' as active,
    array(select m.list_sid from domain_credential_lists m
          where m.domain_sid = d.sid and m.purpose = 'calls' order by m.seq) as calls,
    array(select m.list_sid from domain_credential_lists m
          where m.domain_sid = d.sid and m.purpose = 'registrations' order by m.seq) as registrations,
    case when exists (select from domain_ip_access_control_lists m where m.domain_sid = d.sid)
         then array(select i.ip_address || '/' || i.cidr_prefix_length
                    from domain_ip_access_control_lists m join ip_addresses i on i.list_sid = m.list_sid
                    where m.domain_sid = d.sid order by i.seq) end as ip_ranges
  from domains d join accounts a on a.sid = d.account_sid`

function toSipDomain(row: MirroredRow): SipDomain {
  return {
    name: row.name,
    sid: row.sid,
    accountSid: row.account_sid,
    realm: row.realm,
    version: row.version,
    active: row.active,
    calls: row.calls,
    registrations: row.registrations,
    ipRanges: row.ip_ranges ?? undefined,
  }
}

/** The named domains that exist, as the mirror is to hold them. */
export async function findMirroredDomains(db: Queryable, names: readonly string[]): Promise<SipDomain[]> {
  const { rows } = await db.query<MirroredRow>(`${MIRRORED} where d.domain_name = any($1)`, [names])
  return rows.map(toSipDomain)
}

/** The domains after the given name, in order; for a walk over all. */
export async function walkMirroredDomains(db: Queryable, after: string, limit: number): Promise<SipDomain[]> {
  const { rows } = await db.query<MirroredRow>(`${MIRRORED} where d.domain_name > $1 order by d.domain_name limit $2`, [
    after,
    limit,
  ])
  return rows.map(toSipDomain)
}
