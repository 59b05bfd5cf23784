import type pg from 'pg'
import { type Static, Type } from 'typebox'
import type { Writes } from '../../provision.js'
import { isSid, type SidKind } from '../../sid.js'
import type { DomainMapping } from '../../store/domain-mappings.js'
import type { Page, Position } from '../../store/page.js'
import { Fault } from '../fault.js'
import type { Call } from '../operation.js'
import { DateText, formatDate } from './date.js'
import { findNamedDomain, INVALID_DOMAIN } from './domains.js'
import type { Form } from './form.js'
import { domainPath } from './paths.js'
import { createResourceOperations, type Resource } from './resource.js'
import { sidSchema } from './sid-schema.js'

/** Lists of one kind that are mapped to a domain for one purpose. */
export type Mappings = {
  /** What one of them and what several are called. */
  readonly one: string
  readonly many: string
  /** Kind of the lists, and the parameter of a path that names one. */
  readonly kind: SidKind
  readonly parameter: string
  /** Last part of the collection's path: `CredentialListMappings`. */
  readonly folder: string
  readonly form: Form<{ readonly listSid: string }>
  find(domainSid: string, listSid: string): Promise<DomainMapping | undefined>
  list(domainSid: string, position: Position, size: number): Promise<Page<DomainMapping>>
  map(writes: Writes, accountSid: string, domainSid: string, listSid: string): Promise<DomainMapping>
  unmap(writes: Writes, accountSid: string, domainSid: string, listSid: string): Promise<void>
}

function createResource(pool: pg.Pool, mappings: Mappings, place: string) {
  const { one, many, kind, parameter, folder, form } = mappings
  return {
    ...{ one, many, createForm: form, invalid: INVALID_DOMAIN },
    createNote: 'A list that is mapped already is refused.',
    async open(call: Call) {
      const { sid } = await findNamedDomain(pool, call)
      return {
        path: `${domainPath(call.account.sid, sid)}/${place}${folder}.json`,
        list: (position: Position, size: number) => mappings.list(sid, position, size),
        create: ({ listSid }: { readonly listSid: string }) =>
          mappings.map(call.writes, call.account.sid, sid, listSid),
      }
    },
    async find(call: Call): Promise<DomainMapping> {
      const { sid } = await findNamedDomain(pool, call)
      const listSid = call.params[parameter] ?? ''
      const mapping = isSid(kind, listSid) ? await mappings.find(sid, listSid) : undefined
      if (!mapping) throw new Fault('not_found', `${parameter} names no list that is mapped to this domain`)
      return mapping
    },
    remove: ({ account, writes }: Call, { domainSid, sid }: DomainMapping) =>
      mappings.unmap(writes, account.sid, domainSid, sid),
  }
}

/** Operations below `Auth/Calls` or `Auth/Registrations`, the `place`. A mapping has the list's SID and name. */
export function createAuthMappingOperations(pool: pg.Pool, mappings: Mappings, place: `Auth/${string}/`) {
  const body = Type.Object({
    sid: sidSchema(mappings.kind),
    account_sid: sidSchema('account'),
    friendly_name: Type.String(),
    date_created: DateText,
    date_updated: DateText,
  })
  const resource: Resource<DomainMapping, { readonly listSid: string }, typeof body> = {
    ...createResource(pool, mappings, place),
    ...{ key: 'contents', body, toBody: describe },
  }
  return createResourceOperations(resource)
}

/** Operations of the older path beside `Auth`; they are on the same mappings as those of `Auth/Calls`. */
export function createOlderMappingOperations(pool: pg.Pool, mappings: Mappings, key: string) {
  const body = Type.Object({
    sid: sidSchema(mappings.kind),
    account_sid: sidSchema('account'),
    domain_sid: sidSchema('domain'),
    friendly_name: Type.String(),
    date_created: DateText,
    date_updated: DateText,
    uri: Type.String(),
  })
  const toBody = (mapping: DomainMapping): Static<typeof body> => ({
    ...describe(mapping),
    domain_sid: mapping.domainSid,
    uri: `${domainPath(mapping.accountSid, mapping.domainSid)}/${mappings.folder}/${mapping.sid}.json`,
  })
  const resource: Resource<DomainMapping, { readonly listSid: string }, typeof body> = {
    ...createResource(pool, mappings, ''),
    ...{ key, body, toBody },
  }
  return createResourceOperations(resource)
}

function describe(mapping: DomainMapping) {
  return {
    sid: mapping.sid,
    account_sid: mapping.accountSid,
    friendly_name: mapping.friendlyName,
    date_created: formatDate(mapping.createdAt),
    date_updated: formatDate(mapping.updatedAt),
  }
}
