import type pg from 'pg'
import { Refusal } from '../../errors.js'
import { isSid } from '../../sid.js'
import { findCredentialListMapping, listCredentialListMappings, type Purpose } from '../../store/domain-mappings.js'
import { createAuthMappingOperations, createOlderMappingOperations, type Mappings } from './domain-mappings.js'
import { defineField } from './field.js'
import { defineForm } from './form.js'
import { sidSchema } from './sid-schema.js'

const credentialListSid = defineField('CredentialListSid', sidSchema('credentialList'), (text, name) => {
  if (isSid('credentialList', text)) return text
  throw new Refusal('unknown_reference', name, 'names no credential list of this account')
})

const MapForm = defineForm({ listSid: credentialListSid.required })

function createMappings(pool: pg.Pool, purpose: Purpose, one: string, many: string): Mappings {
  return {
    ...{ one, many, kind: 'credentialList', form: MapForm },
    ...{ parameter: 'CredentialListSid', folder: 'CredentialListMappings' },
    find: (domainSid, listSid) => findCredentialListMapping(pool, domainSid, purpose, listSid),
    list: (domainSid, position, size) => listCredentialListMappings(pool, domainSid, purpose, position, size),
    map: ({ domainMappings }, accountSid, domainSid, listSid) =>
      domainMappings.mapCredentialList(accountSid, domainSid, purpose, listSid),
    unmap: ({ domainMappings }, accountSid, domainSid, listSid) =>
      domainMappings.unmapCredentialList(accountSid, domainSid, purpose, listSid),
  }
}

/** Operations of Twilio's three ways to a domain's credential lists; `older` and `calls` are the same mappings. */
export function createCredentialListMappingOperations({ pool }: { pool: pg.Pool }) {
  const calls = createMappings(pool, 'calls', "a list of a domain's callers", "lists of a domain's callers")
  const older = { ...calls, one: `${calls.one} (older path)`, many: `${calls.many} (older path)` }
  const [one, many] = ["a list of a domain's registrants", "lists of a domain's registrants"]
  return {
    calls: createAuthMappingOperations(pool, calls, 'Auth/Calls/'),
    registrations: createAuthMappingOperations(
      pool,
      createMappings(pool, 'registrations', one, many),
      'Auth/Registrations/',
    ),
    older: createOlderMappingOperations(pool, older, 'credential_list_mappings'),
  }
}
