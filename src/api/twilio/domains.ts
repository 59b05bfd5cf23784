import type pg from 'pg'
import { type Static, Type } from 'typebox'
import { isSid } from '../../sid.js'
import type { Queryable } from '../../store/database.js'
import { type Domain, findDomain, listDomains } from '../../store/domains.js'
import { Fault } from '../fault.js'
import type { Call } from '../operation.js'
import { DateText, formatDate } from './date.js'
import { domainName, SETTINGS_FIELDS } from './domain-fields.js'
import { defineForm } from './form.js'
import { domainPath, domainsPath } from './paths.js'
import { createResourceOperations, createUpdateOperation, type Resource } from './resource.js'
import { sidSchema } from './sid-schema.js'

/** Twilio's code of a validation error. */
export const INVALID_DOMAIN = 21231

const NullableText = Type.Union([Type.String(), Type.Null()])

const DomainBody = Type.Object({
  sid: sidSchema('domain'),
  account_sid: sidSchema('account'),
  api_version: Type.Literal('2010-04-01'),
  auth_type: Type.Enum(['', 'IP_ACL', 'CREDENTIAL_LIST', 'IP_ACL,CREDENTIAL_LIST'], {
    description: 'What calls are checked by: it follows the mappings. Where it is empty, no call is let in.',
  }),
  domain_name: Type.String(),
  friendly_name: Type.String(),
  voice_url: NullableText,
  voice_method: Type.String(),
  voice_fallback_url: NullableText,
  voice_fallback_method: Type.String(),
  voice_status_callback_url: NullableText,
  voice_status_callback_method: Type.String(),
  sip_registration: Type.Boolean(),
  emergency_calling_enabled: Type.Boolean(),
  secure: Type.Boolean(),
  byoc_trunk_sid: NullableText,
  emergency_caller_sid: NullableText,
  date_created: DateText,
  date_updated: DateText,
  subresource_uris: Type.Object({
    credential_list_mappings: Type.String(),
    ip_access_control_list_mappings: Type.String(),
  }),
  uri: Type.String(),
})

const CreateForm = defineForm({ domainName: domainName.required, ...SETTINGS_FIELDS })
const UpdateForm = defineForm({ domainName: domainName.optional, ...SETTINGS_FIELDS })

/** What calls to the domain are checked by, in Twilio's words. */
function authTypeOf({ callsByAddress, callsByCredential }: Domain): Static<typeof DomainBody>['auth_type'] {
  if (callsByAddress) return callsByCredential ? 'IP_ACL,CREDENTIAL_LIST' : 'IP_ACL'
  return callsByCredential ? 'CREDENTIAL_LIST' : ''
}

function toBody(domain: Domain): Static<typeof DomainBody> {
  const { settings } = domain
  const path = domainPath(domain.accountSid, domain.sid)
  return {
    sid: domain.sid,
    account_sid: domain.accountSid,
    api_version: '2010-04-01',
    auth_type: authTypeOf(domain),
    domain_name: domain.domainName,
    friendly_name: settings.friendlyName,
    voice_url: settings.voiceUrl || null,
    voice_method: settings.voiceMethod,
    voice_fallback_url: settings.voiceFallbackUrl || null,
    voice_fallback_method: settings.voiceFallbackMethod,
    voice_status_callback_url: settings.voiceStatusCallbackUrl || null,
    voice_status_callback_method: settings.voiceStatusCallbackMethod,
    sip_registration: settings.sipRegistration,
    emergency_calling_enabled: settings.emergencyCallingEnabled,
    secure: settings.secure,
    byoc_trunk_sid: settings.byocTrunkSid || null,
    emergency_caller_sid: settings.emergencyCallerSid || null,
    date_created: formatDate(domain.createdAt),
    date_updated: formatDate(domain.updatedAt),
    subresource_uris: {
      credential_list_mappings: `${path}/CredentialListMappings.json`,
      ip_access_control_list_mappings: `${path}/IpAccessControlListMappings.json`,
    },
    uri: `${path}.json`,
  }
}

/** The domain that the path names. Throws `not_found` where the account has none of that SID. */
export async function findNamedDomain(db: Queryable, { account, params }: Call): Promise<Domain> {
  const sid = params.DomainSid ?? ''
  const domain = isSid('domain', sid) ? await findDomain(db, account.sid, sid) : undefined
  if (!domain) throw new Fault('not_found', 'DomainSid names no domain of this account')
  return domain
}

/** Operations of Twilio's SIP Domains. */
export function createDomainOperations({ pool }: { pool: pg.Pool }) {
  const resource: Resource<Domain, ReturnType<typeof CreateForm.parse>, typeof DomainBody> = {
    ...{ one: 'a domain', many: 'domains', key: 'domains' },
    ...{ invalid: INVALID_DOMAIN, body: DomainBody, toBody, createForm: CreateForm },
    createNote: 'Nobody may register or call in it before lists are mapped to it.',
    removeNote: "Its mappings go with it. A domain that the account's other domains lie under is not deleted.",
    open: async ({ account, writes }) => ({
      path: `${domainsPath(account.sid)}.json`,
      list: (position, size) => listDomains(pool, account.sid, position, size),
      create: (input) => writes.domains.create(account.sid, input),
    }),
    find: (call) => findNamedDomain(pool, call),
    remove: ({ account, writes }, { sid }) => writes.domains.delete(account.sid, sid),
  }
  const note = 'An empty name, URL or SID is taken away.'
  return {
    ...createResourceOperations(resource),
    update: createUpdateOperation(resource, UpdateForm, note, ({ account, writes }, { sid }, change) =>
      writes.domains.update(account.sid, sid, change),
    ),
  }
}
