import type pg from 'pg'
import { type Static, Type } from 'typebox'
import { isSid } from '../../sid.js'
import { findIpAddress, type IpAddress, listIpAddresses } from '../../store/ip-addresses.js'
import { Fault } from '../fault.js'
import { DateText, formatDate } from './date.js'
import { longFriendlyName } from './fields.js'
import { defineForm } from './form.js'
import { findNamedIpList } from './ip-access-control-lists.js'
import { cidrPrefixLength, ipAddress } from './ip-fields.js'
import { ipAddressesPath } from './paths.js'
import { createResourceOperations, createUpdateOperation, type Resource } from './resource.js'
import { sidSchema } from './sid-schema.js'

/** Twilio's code of a validation error. */
const INVALID = 21238

const AddressBody = Type.Object({
  sid: sidSchema('ipAddress'),
  account_sid: sidSchema('account'),
  ip_access_control_list_sid: sidSchema('ipAccessControlList'),
  friendly_name: Type.String(),
  ip_address: Type.String(),
  cidr_prefix_length: Type.Integer({ minimum: 0, maximum: 128 }),
  date_created: DateText,
  date_updated: DateText,
  uri: Type.String(),
})

const CreateForm = defineForm({
  friendlyName: longFriendlyName.required,
  ipAddress: ipAddress.required,
  cidrPrefixLength: cidrPrefixLength.optional,
})
const UpdateForm = defineForm({
  friendlyName: longFriendlyName.optional,
  ipAddress: ipAddress.optional,
  cidrPrefixLength: cidrPrefixLength.optional,
})

function toBody(address: IpAddress): Static<typeof AddressBody> {
  const { sid, accountSid, listSid } = address
  return {
    sid,
    account_sid: accountSid,
    ip_access_control_list_sid: listSid,
    friendly_name: address.friendlyName,
    ip_address: address.ipAddress,
    cidr_prefix_length: address.cidrPrefixLength,
    date_created: formatDate(address.createdAt),
    date_updated: formatDate(address.updatedAt),
    uri: `${ipAddressesPath(accountSid, listSid)}/${sid}.json`,
  }
}

/** Operations of Twilio's SIP IpAddresses; beyond Twilio's, an address may be IPv6. */
export function createIpAddressOperations({ pool }: { pool: pg.Pool }) {
  const resource: Resource<IpAddress, ReturnType<typeof CreateForm.parse>, typeof AddressBody> = {
    ...{ one: 'an IP address', many: 'IP addresses', key: 'ip_addresses' },
    ...{ invalid: INVALID, body: AddressBody, toBody, createForm: CreateForm },
    async open(call) {
      const list = await findNamedIpList(pool, call)
      return {
        path: `${ipAddressesPath(list.accountSid, list.sid)}.json`,
        list: (position, size) => listIpAddresses(pool, list.sid, position, size),
        create: (input) => call.writes.ipAddresses.create(list.accountSid, list.sid, input),
      }
    },
    async find(call) {
      const list = await findNamedIpList(pool, call)
      const sid = call.params.IpAddressSid ?? ''
      const address = isSid('ipAddress', sid) ? await findIpAddress(pool, list.sid, sid) : undefined
      if (!address) throw new Fault('not_found', 'IpAddressSid names no address of this list')
      return address
    },
    remove: ({ writes }, { accountSid, listSid, sid }) => writes.ipAddresses.delete(accountSid, listSid, sid),
  }
  const note = 'An address of the other kind counts whole, unless a prefix length comes with it.'
  return {
    ...createResourceOperations(resource),
    update: createUpdateOperation(resource, UpdateForm, note, ({ writes }, { accountSid, listSid, sid }, change) =>
      writes.ipAddresses.update(accountSid, listSid, sid, change),
    ),
  }
}
