import type pg from 'pg'
import { type Static, Type } from 'typebox'
import { isSid } from '../../sid.js'
import type { Queryable } from '../../store/database.js'
import {
  findIpAccessControlList,
  type IpAccessControlList,
  listIpAccessControlLists,
} from '../../store/ip-access-control-lists.js'
import { Fault } from '../fault.js'
import type { Call } from '../operation.js'
import { DateText, formatDate } from './date.js'
import { longFriendlyName } from './fields.js'
import { defineForm } from './form.js'
import { ipAccessControlListsPath, ipAddressesPath } from './paths.js'
import { createResourceOperations, createUpdateOperation, type Resource } from './resource.js'
import { sidSchema } from './sid-schema.js'

/** Twilio's code of a validation error. */
const INVALID = 21235

const ListBody = Type.Object({
  sid: sidSchema('ipAccessControlList'),
  account_sid: sidSchema('account'),
  friendly_name: Type.String(),
  date_created: DateText,
  date_updated: DateText,
  subresource_uris: Type.Object({ ip_addresses: Type.String() }),
  uri: Type.String(),
})

const NameForm = defineForm({ friendlyName: longFriendlyName.required })

function toBody(list: IpAccessControlList): Static<typeof ListBody> {
  return {
    sid: list.sid,
    account_sid: list.accountSid,
    friendly_name: list.friendlyName,
    date_created: formatDate(list.createdAt),
    date_updated: formatDate(list.updatedAt),
    subresource_uris: { ip_addresses: `${ipAddressesPath(list.accountSid, list.sid)}.json` },
    uri: `${ipAccessControlListsPath(list.accountSid)}/${list.sid}.json`,
  }
}

/** The IP access control list that the path names. Throws `not_found` where the account has none of that SID. */
export async function findNamedIpList(db: Queryable, { account, params }: Call): Promise<IpAccessControlList> {
  const sid = params.IpAccessControlListSid ?? ''
  const list = isSid('ipAccessControlList', sid) ? await findIpAccessControlList(db, account.sid, sid) : undefined
  if (!list) throw new Fault('not_found', 'IpAccessControlListSid names no IP access control list of this account')
  return list
}

/** Operations of Twilio's SIP IpAccessControlLists. */
export function createIpAccessControlListOperations({ pool }: { pool: pg.Pool }) {
  const resource: Resource<IpAccessControlList, ReturnType<typeof NameForm.parse>, typeof ListBody> = {
    ...{ one: 'an IP access control list', many: 'IP access control lists', key: 'ip_access_control_lists' },
    ...{ invalid: INVALID, body: ListBody, toBody, createForm: NameForm },
    removeNote: 'Its addresses go with it. A list that a domain uses is not deleted.',
    open: async ({ account, writes }) => ({
      path: `${ipAccessControlListsPath(account.sid)}.json`,
      list: (position, size) => listIpAccessControlLists(pool, account.sid, position, size),
      create: ({ friendlyName }) => writes.ipAccessControlLists.create(account.sid, friendlyName),
    }),
    find: (call) => findNamedIpList(pool, call),
    remove: ({ account, writes }, { sid }) => writes.ipAccessControlLists.delete(account.sid, sid),
  }
  return {
    ...createResourceOperations(resource),
    update: createUpdateOperation(resource, NameForm, undefined, ({ account, writes }, { sid }, { friendlyName }) =>
      writes.ipAccessControlLists.update(account.sid, sid, friendlyName),
    ),
  }
}
