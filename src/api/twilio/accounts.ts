import type pg from 'pg'
import { type Static, Type } from 'typebox'
import { ACCOUNT_STATUSES, type Account, listAccounts } from '../../store/accounts.js'
import type { Master } from '../account-auth.js'
import { Fault } from '../fault.js'
import type { Operation } from '../operation.js'
import { DateText, formatDate } from './date.js'
import { INVALID_PARAMETER } from './errors.js'
import { defineField } from './field.js'
import { accountStatus, friendlyName } from './fields.js'
import { defineForm } from './form.js'
import { describePage, PAGE_FIELDS, PAGE_PROPERTIES, parsePageRequest } from './paging.js'
import { accountPath, credentialListsPath } from './paths.js'
import { sidSchema } from './sid-schema.js'

const AccountBody = Type.Object({
  sid: sidSchema('account'),
  auth_id: Type.String({ description: 'The account in the other dialect.', examples: ['MA_K3XW7P2QHD5RTY8NVB4C'] }),
  auth_token: Type.Union([Type.String(), Type.Null()], { description: 'In the answer that creates it; else null.' }),
  date_created: DateText,
  date_updated: DateText,
  friendly_name: Type.String(),
  owner_account_sid: sidSchema('account'),
  realm: Type.String({ description: 'Realm of its credential lists that name none.' }),
  status: Type.Enum(ACCOUNT_STATUSES),
  subresource_uris: Type.Object({ credential_lists: Type.String() }),
  type: Type.Literal('Full'),
  uri: Type.String(),
})

const AccountPageBody = Type.Object({ ...PAGE_PROPERTIES, accounts: Type.Array(AccountBody) })

/** An account's name is not parsed where it filters: what no account can be named finds none. */
const nameFilter = defineField('FriendlyName', Type.String({ description: 'The whole name.' }), (text) => text)

const CreateForm = defineForm({ friendlyName: friendlyName.optional })
const UpdateForm = defineForm({ friendlyName: friendlyName.optional, status: accountStatus.optional })
const ListQuery = defineForm({ ...PAGE_FIELDS, friendlyName: nameFilter.optional, status: accountStatus.optional })

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
    summary: 'Create an account',
    description: 'For the master account. The answer alone shows the token.',
    form: CreateForm,
    failures: [403],
    status: 201,
    body: AccountBody,
    invalid: INVALID_PARAMETER,
    async handle({ actor, form, writes }) {
      if (actor.sid !== master.sid) throw new Fault('forbidden', 'Only the master account creates accounts')
      const { friendlyName = defaultName(now()) } = CreateForm.parse(form)
      const { account, token } = await writes.accounts.create(actor.sid, friendlyName)
      return toBody(account, token)
    },
  }

  const fetch: Operation = {
    summary: 'Fetch an account',
    status: 200,
    body: AccountBody,
    invalid: INVALID_PARAMETER,
    handle: async ({ account }) => toBody(account),
  }

  const list: Operation = {
    summary: 'List accounts',
    description: 'The account that asks, and the accounts below it.',
    query: ListQuery,
    status: 200,
    body: AccountPageBody,
    invalid: INVALID_PARAMETER,
    async handle(call) {
      const { actor, query } = call
      const request = parsePageRequest('/2010-04-01/Accounts.json', call)
      const { friendlyName, status } = ListQuery.parse(query)
      const { position, size } = request
      const page = await listAccounts(pool, actor.sid, { friendlyName, status }, position, size)
      const filters = { FriendlyName: friendlyName, Status: status }
      return { ...describePage(request, page, filters), accounts: page.rows.map((row) => toBody(row)) }
    },
  }

  const update: Operation = {
    summary: 'Change an account',
    description: 'For the account above it. A suspended or closed account authenticates nobody and may ask nothing.',
    form: UpdateForm,
    failures: [403],
    status: 200,
    body: AccountBody,
    invalid: INVALID_PARAMETER,
    async handle({ actor, account, form, writes }) {
      if (actor.sid !== (account.parentSid ?? master.sid)) {
        throw new Fault('forbidden', 'Only the account above it changes an account')
      }
      return toBody(await writes.accounts.update(account.sid, UpdateForm.parse(form)))
    },
  }

  return { create, fetch, list, update }
}
