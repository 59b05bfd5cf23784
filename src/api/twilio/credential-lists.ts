import type pg from 'pg'
import { type Static, Type } from 'typebox'
import { isSid } from '../../sid.js'
import { type CredentialList, findCredentialList, listCredentialLists } from '../../store/credential-lists.js'
import type { Queryable } from '../../store/database.js'
import { Fault } from '../fault.js'
import type { Call, Operation } from '../operation.js'
import { DateText, formatDate } from './date.js'
import { algorithms, friendlyName, realm } from './fields.js'
import { defineForm } from './form.js'
import { describePage, PAGE_PROPERTIES, PageQuery, parsePageRequest } from './paging.js'
import { credentialListsPath, credentialsPath } from './paths.js'
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

const CredentialListPageBody = Type.Object({ ...PAGE_PROPERTIES, credential_lists: Type.Array(CredentialListBody) })

const CreateForm = defineForm({
  friendlyName: friendlyName.required,
  realm: realm.optional,
  algorithms: algorithms.optional,
})
const UpdateForm = defineForm({
  friendlyName: friendlyName.optional,
  realm: realm.optional,
  algorithms: algorithms.optional,
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
  const create: Operation = {
    summary: 'Create a credential list',
    description: 'Without a Realm it has the realm of its account, which its other lists may have as well.',
    form: CreateForm,
    status: 201,
    body: CredentialListBody,
    invalid: INVALID,
    async handle({ account, form, writes }) {
      return toBody(await writes.credentialLists.create(account.sid, CreateForm.parse(form)))
    },
  }

  const fetch: Operation = {
    summary: 'Fetch a credential list',
    status: 200,
    body: CredentialListBody,
    invalid: INVALID,
    handle: async (call) => toBody(await findNamedList(pool, call)),
  }

  const list: Operation = {
    summary: 'List credential lists',
    query: PageQuery,
    status: 200,
    body: CredentialListPageBody,
    invalid: INVALID,
    async handle({ account, query }) {
      const request = parsePageRequest(`${credentialListsPath(account.sid)}.json`, query)
      const page = await listCredentialLists(pool, account.sid, request.position, request.size)
      return { ...describePage(request, page), credential_lists: page.rows.map(toBody) }
    },
  }

  const update: Operation = {
    summary: 'Change a credential list',
    description: 'The realm is fixed once the list holds a credential.',
    form: UpdateForm,
    status: 200,
    body: CredentialListBody,
    invalid: INVALID,
    async handle(call) {
      const { sid } = await findNamedList(pool, call)
      return toBody(await call.writes.credentialLists.update(call.account.sid, sid, UpdateForm.parse(call.form)))
    },
  }

  const remove: Operation = {
    summary: 'Delete a credential list',
    status: 204,
    body: undefined,
    invalid: INVALID,
    async handle(call) {
      const { sid } = await findNamedList(pool, call)
      await call.writes.credentialLists.delete(call.account.sid, sid)
      return undefined
    },
  }

  return { create, fetch, list, update, remove }
}
