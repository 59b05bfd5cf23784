import type pg from 'pg'
import { type Static, Type } from 'typebox'
import { isSid } from '../../sid.js'
import { findCredential, listCredentials, type StoredCredential } from '../../store/credentials.js'
import { Fault } from '../fault.js'
import type { Call } from '../operation.js'
import { findNamedList } from './credential-lists.js'
import { DateText, formatDate } from './date.js'
import { password, username } from './fields.js'
import { defineForm } from './form.js'
import { credentialsPath } from './paths.js'
import { createResourceOperations, createUpdateOperation, type Resource } from './resource.js'
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

  const resource: Resource<StoredCredential, ReturnType<typeof CreateForm.parse>, typeof CredentialBody> = {
    ...{ one: 'a credential', many: 'credentials', key: 'credentials' },
    ...{ invalid: INVALID, body: CredentialBody, toBody, createForm: CreateForm },
    createNote: 'User names are unique in a realm, whatever the list.',
    async open(call) {
      const { sid, accountSid } = await findNamedList(pool, call)
      const { credentials } = call.writes
      return {
        path: `${credentialsPath(accountSid, sid)}.json`,
        list: (position, size) => listCredentials(pool, sid, position, size),
        create: (input) => credentials.create(accountSid, sid, input, CREDENTIALS_PER_LIST_MAX),
      }
    },
    find: findNamed,
    remove: ({ writes }, { accountSid, listSid, sid }) => writes.credentials.delete(accountSid, listSid, sid),
  }
  return {
    ...createResourceOperations(resource),
    update: createUpdateOperation(resource, UpdateForm, undefined, ({ writes }, { accountSid, listSid, sid }, change) =>
      writes.credentials.update(accountSid, listSid, sid, change),
    ),
  }
}
