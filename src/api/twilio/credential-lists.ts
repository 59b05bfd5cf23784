import type pg from 'pg'
import { type Static, Type } from 'typebox'
import { isSid } from '../../sid.js'
import { type CredentialList, findCredentialList, listCredentialLists } from '../../store/credential-lists.js'
import type { Queryable } from '../../store/database.js'
import { Fault } from '../fault.js'
import type { Call, Operation } from '../operation.js'
import { formatDate } from './date.js'
import { algorithms, friendlyName, realm } from './fields.js'
import { describePage, PAGE_PROPERTIES, parsePageRequest } from './paging.js'
import { credentialListsPath, credentialsPath } from './paths.js'

/** Twilio's code of a validation error. */
const INVALID = 21240

const CredentialListBody = Type.Object({
  sid: Type.String(),
  account_sid: Type.String(),
  friendly_name: Type.String(),
  realm: Type.String(),
  algorithms: Type.Union([Type.Array(Type.String()), Type.Null()]),
  date_created: Type.String(),
  date_updated: Type.String(),
  subresource_uris: Type.Object({ credentials: Type.String() }),
  uri: Type.String(),
})

const CredentialListPageBody = Type.Object({ ...PAGE_PROPERTIES, credential_lists: Type.Array(CredentialListBody) })

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
    status: 201,
    body: CredentialListBody,
    invalid: INVALID,
    async handle({ account, form, writes }) {
      const input = {
        friendlyName: friendlyName.required(form),
        realm: realm.optional(form),
        algorithms: algorithms.optional(form),
      }
      return toBody(await writes.credentialLists.create(account.sid, input))
    },
  }

  const fetch: Operation = {
    status: 200,
    body: CredentialListBody,
    invalid: INVALID,
    handle: async (call) => toBody(await findNamedList(pool, call)),
  }

  const list: Operation = {
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
    status: 200,
    body: CredentialListBody,
    invalid: INVALID,
    async handle(call) {
      const { sid } = await findNamedList(pool, call)
      const change = {
        friendlyName: friendlyName.optional(call.form),
        realm: realm.optional(call.form),
        algorithms: algorithms.optional(call.form),
      }
      return toBody(await call.writes.credentialLists.update(call.account.sid, sid, change))
    },
  }

  const remove: Operation = {
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
