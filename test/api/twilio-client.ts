import type { Test } from 'tap'
import twilio from 'twilio'
import type { RunningApi } from './running-api.js'

const PASSWORD = 'Correct-Horse-7'

/** The error that the client makes of an answer. */
async function refusal(promise: Promise<unknown>): Promise<twilio.RestException> {
  const error = await promise.then(
    () => new Error('it was not refused'),
    (thrown: unknown) => thrown,
  )
  if (error instanceof twilio.RestException) return error
  throw error
}

async function testAccounts(t: Test, api: RunningApi) {
  const master = api.client()
  const created = await master.api.v2010.accounts.create({ friendlyName: 'Bakery Lane' })
  t.match(created, { friendlyName: 'Bakery Lane', status: 'active', type: 'Full', ownerAccountSid: api.master.sid })
  t.match(created.sid, /^AC[0-9a-f]{32}$/)
  t.match(created.authToken, /^[0-9a-f]{32}$/, 'the token is in the answer that creates the account')
  t.ok(created.dateCreated instanceof Date && !Number.isNaN(created.dateCreated.getTime()))
  const fetched = await master.api.v2010.accounts(created.sid).fetch()
  t.equal(fetched.authToken, null, 'and nowhere else')
  t.equal(fetched.uri, `/2010-04-01/Accounts/${created.sid}.json`)
  const unnamed = await master.api.v2010.accounts.create()
  t.equal(unnamed.friendlyName, 'SubAccount Created at 2026-11-19 12:30 am')

  const suspended = await master.api.v2010.accounts(created.sid).update({ status: 'suspended', friendlyName: 'Lane' })
  t.match(suspended, { status: 'suspended', friendlyName: 'Lane', authToken: null })
  const found = await master.api.v2010.accounts.list({ status: 'suspended' })
  t.strictSame(
    found.map(({ sid }) => sid),
    [created.sid],
    'accounts are listed by status',
  )
  const named = await master.api.v2010.accounts.list({ friendlyName: unnamed.friendlyName })
  t.strictSame(
    named.map(({ sid }) => sid),
    [unnamed.sid],
    'and by name',
  )
  const all = await master.api.v2010.accounts.list()
  t.strictSame(
    all.map(({ sid }) => sid),
    [unnamed.sid, created.sid, api.master.sid],
    'newest first, the owner among them',
  )
  const unchanged = await master.api.v2010.accounts(created.sid).update()
  t.match(unchanged, { status: 'suspended', friendlyName: 'Lane' }, 'an update without arguments changes nothing')
}

async function testLists(t: Test, api: RunningApi) {
  const key = await api.createAccount()
  const lists = api.client(key).sip.credentialLists
  const created = await lists.create({ friendlyName: 'Phones & fax + 1 %' })
  t.match(created, { friendlyName: 'Phones & fax + 1 %', accountSid: key.sid })
  t.match(created.sid, /^CL[0-9a-f]{32}$/)
  const own = `/2010-04-01/Accounts/${key.sid}/SIP/CredentialLists/${created.sid}`
  t.equal(created.uri, `${own}.json`)
  t.strictSame(created.subresourceUris, { credentials: `${own}/Credentials.json` })
  t.strictSame((await lists(created.sid).fetch()).toJSON(), created.toJSON())
  const renamed = await lists(created.sid).update({ friendlyName: 'Doors' })
  t.equal(renamed.friendlyName, 'Doors')
  t.strictSame(
    (await lists.list()).map(({ sid }) => sid),
    [created.sid],
  )
  t.equal(await lists(created.sid).remove(), true)
  t.match(await refusal(lists(created.sid).fetch()), {
    status: 404,
    code: 20404,
    message: `The requested resource ${own}.json was not found`,
    moreInfo: 'https://www.twilio.com/docs/errors/20404',
  })
  t.match(await refusal(lists(created.sid).remove()), { status: 404, code: 20404 })
  await lists.create({ friendlyName: 'Doors' })
  const taken = await refusal(lists.create({ friendlyName: 'Doors' }))
  t.match(taken, { status: 400, code: 21240, message: /^FriendlyName / })
}

async function testCredentials(t: Test, api: RunningApi) {
  const key = await api.createAccount()
  const lists = api.client(key).sip.credentialLists
  const { sid } = await lists.create({ friendlyName: 'Phones' })
  const { credentials } = lists(sid)
  const username = 'a-_.!~*()&=+$,;?/@#%z'
  const created = await credentials.create({ username, password: PASSWORD })
  t.match(created, { username, accountSid: key.sid, credentialListSid: sid })
  t.match(created.sid, /^CR[0-9a-f]{32}$/)
  t.match(api.published.at(-1), { kind: 'credential', username }, 'it is mirrored before it is answered')
  t.strictSame((await credentials(created.sid).fetch()).toJSON(), created.toJSON())
  t.equal((await credentials(created.sid).update({ password: `${PASSWORD}!` })).username, username)
  t.equal((await credentials(created.sid).update()).username, username, 'an update without arguments is none')
  t.match(await refusal(credentials.create({ username, password: PASSWORD })), {
    status: 400,
    code: 21243,
    message: /^Username /,
  })
  t.match(await refusal(credentials(created.sid).update({ password: 'weak' })), { status: 400, code: 21240 })
  t.equal(await credentials(created.sid).remove(), true)
  t.match(await refusal(credentials(created.sid).fetch()), { status: 404, code: 20404 })
  await credentials.create({ username, password: PASSWORD })
  t.equal(await lists(sid).remove(), true, 'a list goes with its credentials')
}

async function testPaging(t: Test, api: RunningApi) {
  const key = await api.createAccount()
  const { sid } = await api.provision.credentialLists.create(key.sid, { friendlyName: 'Many' })
  const names = Array.from({ length: 125 }, (_, index) => `user-${index}`)
  for (const username of names) await api.provision.credentials.create(key.sid, sid, { username, password: PASSWORD })
  const newestFirst = names.toReversed()
  const { credentials } = api.client(key).sip.credentialLists(sid)
  const listed = await credentials.list()
  t.strictSame(
    listed.map(({ username }) => username),
    newestFirst,
    'list() goes through all pages',
  )
  t.equal((await credentials.list({ limit: 7 })).length, 7)

  const first = await credentials.page({ pageSize: 60 })
  const second = await first.nextPage()
  const third = await second?.nextPage()
  const pages = [first, second, third].map((page) => page?.instances.map(({ username }) => username))
  t.strictSame(pages, [newestFirst.slice(0, 60), newestFirst.slice(60, 120), newestFirst.slice(120)])
  t.equal(third?.nextPageUrl, undefined)
  const back = await third?.previousPage()
  t.strictSame(
    back?.instances.map(({ username }) => username),
    newestFirst.slice(60, 120),
  )
  const top = await back?.previousPage()
  t.strictSame(
    top?.instances.map(({ username }) => username),
    newestFirst.slice(0, 60),
  )
  t.equal(top?.previousPageUrl, undefined)

  const deleted: string[] = []
  await new Promise<void>((resolve, reject) => {
    const removals: Promise<unknown>[] = []
    credentials.each({
      pageSize: 40,
      callback: (credential) => {
        deleted.push(credential.username)
        removals.push(credentials(credential.sid).remove())
      },
      done: (error?: Error) => (error ? reject(error) : Promise.all(removals).then(() => resolve(), reject)),
    })
  })
  t.strictSame(deleted, newestFirst, 'a script that deletes while it pages misses nobody')
  t.strictSame(await credentials.list(), [])
}

/** The official client's operations; run first, while the master account is alone. */
export async function testTwilioClient(t: Test, api: RunningApi): Promise<void> {
  await t.test('accounts are created, fetched, listed and updated', (t) => testAccounts(t, api))
  await t.test('credential lists are created, fetched, listed, updated and removed', (t) => testLists(t, api))
  await t.test('credentials are created, fetched, updated and removed', (t) => testCredentials(t, api))
  await t.test('long lists are paged, forwards and backwards', (t) => testPaging(t, api))
  await t.test('a wrong token is refused with 20003', async (t) => {
    const stranger = api.client({ ...api.master, token: 'f'.repeat(32) })
    t.match(await refusal(stranger.sip.credentialLists.list()), { status: 401, code: 20003, message: 'Authenticate' })
  })
}
