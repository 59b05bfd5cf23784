import type pg from 'pg'
import { type Static, Type } from 'typebox'
import { isSid } from '../../sid.js'
import { findCredential, listCredentials, type StoredCredential } from '../../store/credentials.js'
import { Fault } from '../fault.js'
import type { Call, Operation } from '../operation.js'
import { findNamedList } from './credential-lists.js'
import { formatDate } from './date.js'
import { password, username } from './fields.js'
import { describePage, PAGE_PROPERTIES, parsePageRequest } from './paging.js'
import { credentialsPath } from './paths.js'

/** Twilio's code of a validation error. */
const INVALID = 21243

/** Credentials that a list may hold (error 21242). */
const CREDENTIALS_PER_LIST_MAX = 1000

const CredentialBody = Type.Object({
  sid: Type.String(),
  account_sid: Type.String(),
  credential_list_sid: Type.String(),
  username: Type.String(),
  enabled: Type.Boolean(),
  description: Type.String(),
  date_created: Type.String(),
  date_updated: Type.String(),
  uri: Type.String(),
})

const CredentialPageBody = Type.Object({ ...PAGE_PROPERTIES, credentials: Type.Array(CredentialBody) })

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
    const sid = call.params.Sid ?? ''
    const credential = isSid('credential', sid) ? await findCredential(pool, list.sid, sid) : undefined
    if (!credential) throw new Fault('not_found', 'Sid names no credential of this list')
    return credential
  }

  const create: Operation = {
    status: 201,
    body: CredentialBody,
    invalid: INVALID,
    async handle(call) {
      const list = await findNamedList(pool, call)
      const input = { username: username.required(call.form), password: password.required(call.form) }
      const { credentials } = call.writes
      return toBody(await credentials.create(call.account.sid, list.sid, input, CREDENTIALS_PER_LIST_MAX))
    },
  }

  const fetch: Operation = {
    status: 200,
    body: CredentialBody,
    invalid: INVALID,
    handle: async (call) => toBody(await findNamed(call)),
  }

  const list: Operation = {
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
    status: 200,
    body: CredentialBody,
    invalid: INVALID,
    async handle(call) {
      const { listSid, sid } = await findNamed(call)
      const change = { password: password.optional(call.form) }
      return toBody(await call.writes.credentials.update(call.account.sid, listSid, sid, change))
    },
  }

  const remove: Operation = {
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
