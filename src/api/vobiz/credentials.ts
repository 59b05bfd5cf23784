import type pg from 'pg'
import type { Static } from 'typebox'
import { Refusal } from '../../errors.js'
import {
  countAccountCredentials,
  findAccountCredential,
  listAccountCredentials,
  type StoredCredential,
} from '../../store/credentials.js'
import { Fault } from '../fault.js'
import type { Call, Operation } from '../operation.js'
import { readBody } from './body.js'
import { formatCredentialId, parseCredentialId } from './credential-id.js'
import { CredentialBody, CredentialChange, CredentialPage, NewCredential } from './credential-schemas.js'
import { CONFLICT, CREDENTIAL_NOT_FOUND, INVALID } from './errors.js'
import { parseWindow, WindowQuery } from './window.js'

function toBody({ account }: Call, credential: StoredCredential): Static<typeof CredentialBody> {
  return {
    id: formatCredentialId(credential.sid),
    account_id: account.authId,
    username: credential.username,
    password: '<redacted>',
    realm: credential.realm,
    enabled: credential.enabled,
    created_at: credential.createdAt.toISOString(),
    updated_at: credential.updatedAt.toISOString(),
  }
}

/** Operations of Vobiz's credentials: all of an account's, whatever their lists. */
export function createCredentialOperations({ pool }: { pool: pg.Pool }) {
  /** The credential that the path names. Throws `not_found` where the account has none of that id. */
  async function findNamed({ account, params }: Call): Promise<StoredCredential> {
    const sid = parseCredentialId(params.credential_id ?? '')
    const credential = sid === undefined ? undefined : await findAccountCredential(pool, account.sid, sid)
    if (!credential) throw new Fault('not_found', CREDENTIAL_NOT_FOUND)
    return credential
  }

  const create: Operation = {
    summary: 'Create a credential',
    description: 'It lies in the list named `default` and in the realm of that list; user names are unique in a realm.',
    json: NewCredential,
    status: 201,
    body: CredentialBody,
    failures: [CONFLICT, INVALID],
    invalid: INVALID,
    async handle(call) {
      const input = readBody(NewCredential, call.json)
      return toBody(call, await call.writes.credentials.createInDefault(call.account.sid, input))
    },
  }

  const fetch: Operation = {
    summary: 'Fetch a credential',
    status: 200,
    body: CredentialBody,
    invalid: INVALID,
    handle: async (call) => toBody(call, await findNamed(call)),
  }

  const list: Operation = {
    summary: 'List credentials',
    description: "All of an account's, whatever their lists, newest first.",
    query: { schema: WindowQuery },
    status: 200,
    body: CredentialPage,
    failures: [INVALID],
    invalid: INVALID,
    async handle(call) {
      const window = parseWindow(call.query)
      const total = await countAccountCredentials(pool, call.account.sid)
      const rows = await listAccountCredentials(pool, call.account.sid, window)
      return { meta: { ...window, total }, objects: rows.map((row) => toBody(call, row)) }
    },
  }

  const update: Operation = {
    summary: 'Change a credential',
    description: 'What is left out stays as it is. The user name cannot be changed.',
    json: CredentialChange,
    status: 200,
    body: CredentialBody,
    failures: [INVALID],
    invalid: INVALID,
    async handle(call) {
      const found = await findNamed(call)
      const { username, ...change } = readBody(CredentialChange, call.json)
      if (username !== undefined && username !== found.username) {
        throw new Refusal('invalid', 'username', 'cannot be changed')
      }
      return toBody(call, await call.writes.credentials.update(call.account.sid, found.listSid, found.sid, change))
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
