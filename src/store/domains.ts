import type { Queryable } from './database.js'
import { type Page, type Position, pageSql, toPage } from './page.js'

/** What a domain keeps for those who ask for it; nothing of it decides who is let in. URLs and SIDs are '' where unset. */
export type DomainSettings = {
  readonly friendlyName: string
  readonly voiceUrl: string
  readonly voiceMethod: string
  readonly voiceFallbackUrl: string
  readonly voiceFallbackMethod: string
  readonly voiceStatusCallbackUrl: string
  readonly voiceStatusCallbackMethod: string
  readonly sipRegistration: boolean
  readonly emergencyCallingEnabled: boolean
  readonly secure: boolean
  readonly byocTrunkSid: string
  readonly emergencyCallerSid: string
}

/** A change of settings; undefined leaves what is there. */
export type DomainSettingsChange = { readonly [Name in keyof DomainSettings]?: DomainSettings[Name] | undefined }

/** A SIP domain as its account sees it; `SipDomain` is what the mirror holds of it. */
export type Domain = {
  readonly seq: string
  readonly sid: string
  readonly accountSid: string
  /** Host name in lower case. */
  readonly domainName: string
  /** Realm of the credential lists that are mapped to it; its account's own while there are none. */
  readonly realm: string
  readonly settings: DomainSettings
  /** Whether IP access control lists are mapped to its calls. */
  readonly callsByAddress: boolean
  /** Whether credential lists are mapped to its calls. */
  readonly callsByCredential: boolean
  readonly createdAt: Date
  readonly updatedAt: Date
}

type Row = {
  seq: string
  sid: string
  account_sid: string
  domain_name: string
  realm: string
  friendly_name: string
  voice_url: string
  voice_method: string
  voice_fallback_url: string
  voice_fallback_method: string
  voice_status_callback_url: string
  voice_status_callback_method: string
  sip_registration: boolean
  emergency_calling_enabled: boolean
  secure: boolean
  byoc_trunk_sid: string | null
  emergency_caller_sid: string | null
  calls_by_address: boolean
  calls_by_credential: boolean
  created_at: Date
  updated_at: Date
}

const SELECT = `select d.seq, d.sid, d.account_sid, d.domain_name, d.realm, d.friendly_name,
    d.voice_url, d.voice_method, d.voice_fallback_url, d.voice_fallback_method,
    d.voice_status_callback_url, d.voice_status_callback_method,
    d.sip_registration, d.emergency_calling_enabled, d.secure, d.byoc_trunk_sid, d.emergency_caller_sid,
    exists (select from domain_ip_access_control_lists m where m.domain_sid = d.sid) as calls_by_address,
    exists (select from domain_credential_lists m
            where m.domain_sid = d.sid and m.purpose = 'calls') as calls_by_credential,
    d.created_at, d.updated_at
  from domains d`

function toDomain(row: Row): Domain {
  return {
    seq: row.seq,
    sid: row.sid,
    accountSid: row.account_sid,
    domainName: row.domain_name,
    realm: row.realm,
    settings: {
      friendlyName: row.friendly_name,
      voiceUrl: row.voice_url,
      voiceMethod: row.voice_method,
      voiceFallbackUrl: row.voice_fallback_url,
      voiceFallbackMethod: row.voice_fallback_method,
      voiceStatusCallbackUrl: row.voice_status_callback_url,
      voiceStatusCallbackMethod: row.voice_status_callback_method,
      sipRegistration: row.sip_registration,
      emergencyCallingEnabled: row.emergency_calling_enabled,
      secure: row.secure,
      byocTrunkSid: row.byoc_trunk_sid ?? '',
      emergencyCallerSid: row.emergency_caller_sid ?? '',
    },
    callsByAddress: row.calls_by_address,
    callsByCredential: row.calls_by_credential,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}

/** Throws the unique violation `domains_domain_name_key` where there is a domain of that name. */
export async function insertDomain(
  tx: Queryable,
  domain: { sid: string; accountSid: string; domainName: string; realm: string; version: string },
): Promise<void> {
  await tx.query('insert into domains (sid, account_sid, domain_name, realm, version) values ($1, $2, $3, $4, $5)', [
    ...[domain.sid, domain.accountSid, domain.domainName, domain.realm, domain.version],
  ])
}

/** Finds a domain of this account; what is another's does not exist. */
export async function findDomain(db: Queryable, accountSid: string, sid: string): Promise<Domain | undefined> {
  const { rows } = await db.query<Row>(`${SELECT} where d.account_sid = $1 and d.sid = $2`, [accountSid, sid])
  return rows[0] && toDomain(rows[0])
}

/** Like `findDomain`, and nobody else changes the domain until the transaction ends. */
export async function lockDomain(tx: Queryable, accountSid: string, sid: string): Promise<Domain | undefined> {
  await tx.query('select from domains where account_sid = $1 and sid = $2 for update', [accountSid, sid])
  return findDomain(tx, accountSid, sid)
}

/** An account's domains, newest first. */
export async function listDomains(
  db: Queryable,
  accountSid: string,
  position: Position,
  size: number,
): Promise<Page<Domain>> {
  const page = pageSql(position, size, 2)
  const { rows } = await db.query<Row>(`${SELECT} where d.account_sid = $1 ${page.text}`, [accountSid, ...page.values])
  return toPage(rows.map(toDomain), position, size)
}

export async function countDomains(tx: Queryable, accountSid: string): Promise<number> {
  const { rows } = await tx.query<{ domains: number }>(
    'select count(*)::int as domains from domains where account_sid = $1',
    [accountSid],
  )
  return rows[0]?.domains ?? 0
}

/** Whether domains of the same account lie under this one. */
export async function hasSubdomains(tx: Queryable, accountSid: string, domainName: string): Promise<boolean> {
  const { rows } = await tx.query<{ found: boolean }>(
    `select exists (select from domains where account_sid = $1 and domain_name like '%.' || $2) as found`,
    [accountSid, domainName],
  )
  return rows[0]?.found ?? false
}

/** Writes name and settings; undefined leaves what is there. Throws as `insertDomain` does. */
export async function updateDomain(
  tx: Queryable,
  sid: string,
  domainName: string | undefined,
  settings: DomainSettingsChange,
): Promise<void> {
  await tx.query(
    `update domains
     set domain_name = coalesce($2, domain_name), friendly_name = coalesce($3, friendly_name),
         voice_url = coalesce($4, voice_url), voice_method = coalesce($5, voice_method),
         voice_fallback_url = coalesce($6, voice_fallback_url),
         voice_fallback_method = coalesce($7, voice_fallback_method),
         voice_status_callback_url = coalesce($8, voice_status_callback_url),
         voice_status_callback_method = coalesce($9, voice_status_callback_method),
         sip_registration = coalesce($10, sip_registration),
         emergency_calling_enabled = coalesce($11, emergency_calling_enabled), secure = coalesce($12, secure),
         byoc_trunk_sid = nullif(coalesce($13, byoc_trunk_sid), ''),
         emergency_caller_sid = nullif(coalesce($14, emergency_caller_sid), ''),
         updated_at = now()
     where sid = $1`,
    [
      ...[sid, domainName, settings.friendlyName, settings.voiceUrl, settings.voiceMethod],
      ...[settings.voiceFallbackUrl, settings.voiceFallbackMethod],
      ...[settings.voiceStatusCallbackUrl, settings.voiceStatusCallbackMethod],
      ...[settings.sipRegistration, settings.emergencyCallingEnabled, settings.secure],
      ...[settings.byocTrunkSid, settings.emergencyCallerSid],
    ],
  )
}

/** Sets the realm that the domain is challenged with. */
export async function updateDomainRealm(tx: Queryable, sid: string, realm: string): Promise<void> {
  await tx.query('update domains set realm = $2 where sid = $1', [sid, realm])
}

/** Deletes a domain with all its mappings. */
export async function deleteDomain(tx: Queryable, sid: string): Promise<void> {
  await tx.query('delete from domains where sid = $1', [sid])
}
