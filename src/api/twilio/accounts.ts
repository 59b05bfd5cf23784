import type pg from 'pg'
import { type Static, Type } from 'typebox'
import { type Account, listAccounts } from '../../store/accounts.js'
import type { Master } from '../account-auth.js'
import { Fault } from '../fault.js'
import type { Operation } from '../operation.js'
import { formatDate } from './date.js'
import { INVALID_PARAMETER } from './errors.js'
import { accountStatus, friendlyName } from './fields.js'
import { describePage, PAGE_PROPERTIES, parsePageRequest } from './paging.js'
import { accountPath, credentialListsPath } from './paths.js'

const AccountBody = Type.Object({
  sid: Type.String(),
  auth_id: Type.String(),
  auth_token: Type.Union([Type.String(), Type.Null()]),
  date_created: Type.String(),
  date_updated: Type.String(),
  friendly_name: Type.String(),
  owner_account_sid: Type.String(),
  realm: Type.String(),
  status: Type.String(),
  subresource_uris: Type.Object({ credential_lists: Type.String() }),
  type: Type.Literal('Full'),
  uri: Type.String(),
})

const AccountPageBody = Type.Object({ ...PAGE_PROPERTIES, accounts: Type.Array(AccountBody) })

/** The token is known only to the one who creates the account. */
function toBody(account: Account, token: string | null = null): Static<typeof AccountBody> {
  return {
    sid: account.sid,
    auth_id: account.authId,
    auth_token: token,
    date_created: formatDate(account.createdAt),
    date_updated: formatDate(account.updatedAt),
    friendly_name: account.friendlyName,
    owner_account_sid: account.parentSid ?? account.sid,
    realm: account.realm,
    status: account.status,
    subresource_uris: { credential_lists: `${credentialListsPath(account.sid)}.json` },
    type: 'Full',
    uri: `${accountPath(account.sid)}.json`,
  }
}

/** Twilio's name for an account that is created without one: `SubAccount Created at 2015-08-19 07:48 pm`, in UTC. */
function defaultName(now: number): string {
  const time = new Date(now).toISOString()
  const hour = Number(time.slice(11, 13))
  const hourOfTwelve = String(hour % 12 || 12).padStart(2, '0')
  return `SubAccount Created at ${time.slice(0, 10)} ${hourOfTwelve}${time.slice(13, 16)} ${hour < 12 ? 'am' : 'pm'}`
}

/** Operations of Twilio's Accounts. Accounts are created by the master, and changed by it or by the one above them. */
export function createAccountOperations(deps: { pool: pg.Pool; master: Master; now: () => number }) {
  const { pool, master, now } = deps

  const create: Operation = {
    status: 201,
    body: AccountBody,
    invalid: INVALID_PARAMETER,
    async handle({ actor, form, writes }) {
      if (actor.sid !== master.sid) throw new Fault('forbidden', 'Only the master account creates accounts')
      const name = friendlyName.optional(form) ?? defaultName(now())
      const { account, token } = await writes.accounts.create(actor.sid, name)
      return toBody(account, token)
    },
  }

  const fetch: Operation = {
    status: 200,
    body: AccountBody,
    invalid: INVALID_PARAMETER,
    handle: async ({ account }) => toBody(account),
  }

  const list: Operation = {
    status: 200,
    body: AccountPageBody,
    invalid: INVALID_PARAMETER,
    async handle({ actor, query }) {
      const request = parsePageRequest('/2010-04-01/Accounts.json', query)
      const name = query.get('FriendlyName')
      const status = accountStatus.optional(query)
      const { position, size } = request
      const page = await listAccounts(pool, actor.sid, { friendlyName: name, status }, position, size)
      const filters = { FriendlyName: name, Status: status }
      return { ...describePage(request, page, filters), accounts: page.rows.map((row) => toBody(row)) }
    },
  }

  const update: Operation = {
    status: 200,
    body: AccountBody,
    invalid: INVALID_PARAMETER,
    async handle({ actor, account, form, writes }) {
      if (actor.sid !== (account.parentSid ?? master.sid)) {
        throw new Fault('forbidden', 'Only the account above it changes an account')
      }
      const change = { friendlyName: friendlyName.optional(form), status: accountStatus.optional(form) }
      return toBody(await writes.accounts.update(account.sid, change))
    },
  }

  return { create, fetch, list, update }
}
