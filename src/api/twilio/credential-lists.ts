import type pg from 'pg'
import { type Static, Type } from 'typebox'
import { isSid } from '../../sid.js'
import { type CredentialList, findCredentialList, listCredentialLists } from '../../store/credential-lists.js'
import type { Queryable } from '../../store/database.js'
import { Fault } from '../fault.js'
import type { Call } from '../operation.js'
import { DateText, formatDate } from './date.js'
import { algorithms, algorithmsOrDefault, friendlyName, realm } from './fields.js'
import { defineForm } from './form.js'
import { credentialListsPath, credentialsPath } from './paths.js'
import { createResourceOperations, createUpdateOperation, type Resource } from './resource.js'
import { sidSchema } from './sid-schema.js'

/** Twilio's code of a validation error. */
const INVALID = 21240

const CredentialListBody = Type.Object({
  sid: sidSchema('credentialList'),
  account_sid: sidSchema('account'),
  friendly_name: Type.String(),
  realm: Type.String(),
  algorithms: Type.Union([Type.Array(Type.String()), Type.Null()], { description: "Null for the server's default." }),
  date_created: DateText,
  date_updated: DateText,
  subresource_uris: Type.Object({ credentials: Type.String() }),
  uri: Type.String(),
})

const CreateForm = defineForm({
  friendlyName: friendlyName.required,
  realm: realm.optional,
  algorithms: algorithms.optional,
})
const UpdateForm = defineForm({
  friendlyName: friendlyName.optional,
  realm: realm.optional,
  algorithms: algorithmsOrDefault.optional,
})

function toBody(list: CredentialList): Static<typeof CredentialListBody> {
  return {
    sid: list.sid,
    account_sid: list.accountSid,
    friendly_name: list.friendlyName,
    realm: list.realm,
    algorithms: list.algorithms ? [...list.algorithms] : null,
    date_created: formatDate(list.createdAt),
    date_updated: formatDate(list.updatedAt),
    subresource_uris: { credentials: `${credentialsPath(list.accountSid, list.sid)}.json` },
    uri: `${credentialListsPath(list.accountSid)}/${list.sid}.json`,
  }
}

/** The credential list that the path names. Throws `not_found` where the account has none of that SID. */
export async function findNamedList(db: Queryable, { account, params }: Call): Promise<CredentialList> {
  const sid = params.CredentialListSid ?? ''
  const list = isSid('credentialList', sid) ? await findCredentialList(db, account.sid, sid) : undefined
  if (!list) throw new Fault('not_found', 'CredentialListSid names no credential list of this account')
  return list
}

/** Operations of Twilio's SIP CredentialLists. */
export function createCredentialListOperations({ pool }: { pool: pg.Pool }) {
  const resource: Resource<CredentialList, ReturnType<typeof CreateForm.parse>, typeof CredentialListBody> = {
    ...{ one: 'a credential list', many: 'credential lists', key: 'credential_lists' },
    ...{ invalid: INVALID, body: CredentialListBody, toBody, createForm: CreateForm },
    createNote: 'Without a Realm it has the realm of its account, which its other lists may have as well.',
    removeNote: 'Its credentials go with it. A list that a domain uses is not deleted.',
    open: async ({ account, writes }) => ({
      path: `${credentialListsPath(account.sid)}.json`,
      list: (position, size) => listCredentialLists(pool, account.sid, position, size),
      create: (input) => writes.credentialLists.create(account.sid, input),
    }),
    find: (call) => findNamedList(pool, call),
    remove: ({ account, writes }, { sid }) => writes.credentialLists.delete(account.sid, sid),
  }
  const note = 'The realm is fixed once the list holds a credential, and while a domain uses it.'
  return {
    ...createResourceOperations(resource),
    update: createUpdateOperation(resource, UpdateForm, note, ({ account, writes }, { sid }, change) =>
      writes.credentialLists.update(account.sid, sid, change),
    ),
  }
}
