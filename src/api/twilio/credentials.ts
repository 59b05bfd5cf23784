import type pg from 'pg'
import { type Static, Type } from 'typebox'
import { isSid } from '../../sid.js'
import { findCredential, listCredentials, type StoredCredential } from '../../store/credentials.js'
import { Fault } from '../fault.js'
import type { Call, Operation } from '../operation.js'
import { findNamedList } from './credential-lists.js'
import { DateText, formatDate } from './date.js'
import { password, username } from './fields.js'
import { defineForm } from './form.js'
import { describePage, PAGE_PROPERTIES, PageQuery, parsePageRequest } from './paging.js'
import { credentialsPath } from './paths.js'
import { sidSchema } from './sid-schema.js'

/** Twilio's code of a validation error. */
const INVALID = 21243

/** Credentials that a list may hold (error 21242). */
const CREDENTIALS_PER_LIST_MAX = 1000

const CredentialBody = Type.Object({
  sid: sidSchema('credential'),
  account_sid: sidSchema('account'),
  credential_list_sid: sidSchema('credentialList'),
  username: Type.String(),
  enabled: Type.Boolean(),
  description: Type.String(),
  date_created: DateText,
  date_updated: DateText,
  uri: Type.String(),
})

const CredentialPageBody = Type.Object({ ...PAGE_PROPERTIES, credentials: Type.Array(CredentialBody) })

const CreateForm = defineForm({ username: username.required, password: password.required })
const UpdateForm = defineForm({ password: password.optional })

function toBody(credential: StoredCredential): Static<typeof CredentialBody> {
  const { sid, accountSid, listSid } = credential
  return {
    sid,
    account_sid: accountSid,
    credential_list_sid: listSid,
    username: credential.username,
    enabled: credential.enabled,
    description: credential.description,
    date_created: formatDate(credential.createdAt),
    date_updated: formatDate(credential.updatedAt),
    uri: `${credentialsPath(accountSid, listSid)}/${sid}.json`,
  }
}

/** Operations of Twilio's SIP Credentials. A password goes in and never comes out. */
export function createCredentialOperations({ pool }: { pool: pg.Pool }) {
  /** The credential that the path names. Throws `not_found` where the account's list has none of that SID. */
  async function findNamed(call: Call): Promise<StoredCredential> {
    const list = await findNamedList(pool, call)
    const sid = call.params.CredentialSid ?? ''
    const credential = isSid('credential', sid) ? await findCredential(pool, list.sid, sid) : undefined
    if (!credential) throw new Fault('not_found', 'CredentialSid names no credential of this list')
    return credential
  }

  const create: Operation = {
    summary: 'Create a credential',
    description: 'User names are unique in a realm, whatever the list.',
    form: CreateForm,
    status: 201,
    body: CredentialBody,
    invalid: INVALID,
    async handle(call) {
      const list = await findNamedList(pool, call)
      const input = CreateForm.parse(call.form)
      const { credentials } = call.writes
      return toBody(await credentials.create(call.account.sid, list.sid, input, CREDENTIALS_PER_LIST_MAX))
    },
  }

  const fetch: Operation = {
    summary: 'Fetch a credential',
    status: 200,
    body: CredentialBody,
    invalid: INVALID,
    handle: async (call) => toBody(await findNamed(call)),
  }

  const list: Operation = {
    summary: 'List credentials',
    query: PageQuery,
    status: 200,
    body: CredentialPageBody,
    invalid: INVALID,
    async handle(call) {
      const { sid } = await findNamedList(pool, call)
      const request = parsePageRequest(`${credentialsPath(call.account.sid, sid)}.json`, call.query)
      const page = await listCredentials(pool, sid, request.position, request.size)
      return { ...describePage(request, page), credentials: page.rows.map(toBody) }
    },
  }

  const update: Operation = {
    summary: 'Change a credential',
    form: UpdateForm,
    status: 200,
    body: CredentialBody,
    invalid: INVALID,
    async handle(call) {
      const { listSid, sid } = await findNamed(call)
      return toBody(await call.writes.credentials.update(call.account.sid, listSid, sid, UpdateForm.parse(call.form)))
    },
  }

  const remove: Operation = {
    summary: 'Delete a credential',
    status: 204,
    body: undefined,
    invalid: INVALID,
    async handle(call) {
      const { listSid, sid } = await findNamed(call)
      await call.writes.credentials.delete(call.account.sid, listSid, sid)
      return undefined
    },
  }

  return { create, fetch, list, update, remove }
}
