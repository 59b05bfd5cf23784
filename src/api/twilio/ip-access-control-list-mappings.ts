import type pg from 'pg'
import { Refusal } from '../../errors.js'
import { isSid } from '../../sid.js'
import { findIpListMapping, listIpListMappings } from '../../store/domain-mappings.js'
import { createAuthMappingOperations, createOlderMappingOperations, type Mappings } from './domain-mappings.js'
import { defineField } from './field.js'
import { defineForm } from './form.js'
import { sidSchema } from './sid-schema.js'

const ipListSid = defineField('IpAccessControlListSid', sidSchema('ipAccessControlList'), (text, name) => {
  if (isSid('ipAccessControlList', text)) return text
  throw new Refusal('unknown_reference', name, 'names no IP access control list of this account')
})

const MapForm = defineForm({ listSid: ipListSid.required })

/** Operations of Twilio's two ways to the IP access control lists of a domain's calls; both are the same mappings. */
export function createIpListMappingOperations({ pool }: { pool: pg.Pool }) {
  const calls: Mappings = {
    ...{ one: "an IP list of a domain's callers", many: "IP lists of a domain's callers" },
    ...{ kind: 'ipAccessControlList', form: MapForm },
    ...{ parameter: 'IpAccessControlListSid', folder: 'IpAccessControlListMappings' },
    find: (domainSid, listSid) => findIpListMapping(pool, domainSid, listSid),
    list: (domainSid, position, size) => listIpListMappings(pool, domainSid, position, size),
    map: ({ domainMappings }, accountSid, domainSid, listSid) =>
      domainMappings.mapIpAccessControlList(accountSid, domainSid, listSid),
    unmap: ({ domainMappings }, accountSid, domainSid, listSid) =>
      domainMappings.unmapIpAccessControlList(accountSid, domainSid, listSid),
  }
  const older = { ...calls, one: `${calls.one} (older path)`, many: `${calls.many} (older path)` }
  return {
    calls: createAuthMappingOperations(pool, calls, 'Auth/Calls/'),
    older: createOlderMappingOperations(pool, older, 'ip_access_control_list_mappings'),
  }
}
