import t from 'tap'
import { listAccounts } from '../../src/store/accounts.js'
import type { StoredCredential } from '../../src/store/credentials.js'
import type { Queryable } from '../../src/store/database.js'
import { type Answer, type RunningApi, startApi } from './running-api.js'

const PASSWORD = 'Correct-Horse-7'

/** An account's list with three credentials, the newest of them `c`. */
async function furnish(api: RunningApi) {
  const { sid } = await api.createAccount()
  const list = await api.provision.credentialLists.create(sid, { friendlyName: 'Phones' })
  const made: StoredCredential[] = []
  for (const username of ['a', 'b', 'c']) {
    made.push(await api.provision.credentials.create(sid, list.sid, { username, password: PASSWORD }))
  }
  const path = `/2010-04-01/Accounts/${sid}/SIP/CredentialLists/${list.sid}/Credentials.json`
  const remove = (index: number) => api.provision.credentials.delete(sid, list.sid, made[index]?.sid ?? '')
  return { path, remove }
}

function names({ body }: Answer): string[] {
  return body.credentials.map(({ username }: { username: string }) => username)
}

t.test('lists are paged as Twilio pages them', async (t) => {
  const api = await startApi(t)

  await t.test('a page has its place, its size and its links', async (t) => {
    const { path } = await furnish(api)
    const first = await api.ask('GET', `${path}?PageSize=2`)
    t.strictSame(names(first), ['c', 'b'])
    const { credentials: _rows, next_page_uri, ...place } = first.body
    t.strictSame(place, {
      first_page_uri: `${path}?PageSize=2&Page=0`,
      previous_page_uri: null,
      page: 0,
      page_size: 2,
      start: 0,
      end: 1,
      uri: `${path}?PageSize=2&Page=0`,
    })
    t.ok(next_page_uri.startsWith(`${path}?PageSize=2&Page=1&PageToken=PA`), 'relative, and with a token')
    const second = await api.ask('GET', next_page_uri)
    t.strictSame(names(second), ['a'])
    t.match(second.body, { next_page_uri: null, page: 1, start: 2, end: 2, uri: next_page_uri })
    t.strictSame(names(await api.ask('GET', second.body.previous_page_uri)), ['c', 'b'])
    t.strictSame(names(await api.ask('GET', `${path}?Page=1&PageSize=2`)), ['a'], 'Page alone counts rows')
  })

  await t.test('fifty rows by default, and an empty list has one empty page', async (t) => {
    const { sid } = await api.createAccount()
    const { body } = await api.ask('GET', `/2010-04-01/Accounts/${sid}/SIP/CredentialLists.json`)
    t.match(body, { page: 0, page_size: 50, start: 0, end: 0, next_page_uri: null, previous_page_uri: null })
    t.strictSame(body.credential_lists, [])
  })

  await t.test('whoever deletes or creates while paging misses nothing and sees nothing twice', async (t) => {
    const { path, remove } = await furnish(api)
    const first = await api.ask('GET', `${path}?PageSize=1`)
    await remove(2)
    const second = await api.ask('GET', first.body.next_page_uri)
    t.strictSame(names(second), ['b'], 'the row before the next page is gone')
    await api.ask('POST', path, { form: { Username: 'd', Password: PASSWORD } })
    const third = await api.ask('GET', second.body.next_page_uri)
    t.strictSame(names(third), ['a'], 'a newer row moves nothing')
    await remove(0)
    const empty = await api.ask('GET', second.body.next_page_uri)
    t.strictSame(names(empty), [], 'the last page has become empty')
    t.equal(empty.body.next_page_uri, null)
    const back = await api.ask('GET', empty.body.previous_page_uri)
    t.strictSame(names(back), ['b'], 'and leads back to the row before it')
  })

  await t.test('a page before a row that has become empty leads on to that row', async (t) => {
    const { path, remove } = await furnish(api)
    const { body } = await api.ask('GET', `${path}?PageSize=2`)
    const last = await api.ask('GET', body.next_page_uri)
    await remove(2)
    await remove(1)
    const empty = await api.ask('GET', last.body.previous_page_uri)
    t.strictSame(names(empty), [])
    t.equal(empty.body.previous_page_uri, null)
    t.strictSame(names(await api.ask('GET', empty.body.next_page_uri)), ['a'])
  })

  await t.test('filters are kept in the links', async (t) => {
    const names = ['Tea & cake', 'Tea & cake', 'Coffee']
    for (const name of names) await api.provision.accounts.create(api.master.sid, name)
    const first = await api.ask('GET', '/2010-04-01/Accounts.json?PageSize=1&Status=active&FriendlyName=Tea+%26+cake')
    const kept = '/2010-04-01/Accounts.json?FriendlyName=Tea%20%26%20cake&Status=active&PageSize=1&Page='
    t.equal(first.body.first_page_uri, `${kept}0`)
    t.ok(first.body.next_page_uri.startsWith(`${kept}1&PageToken=`))
    const second = await api.ask('GET', first.body.next_page_uri)
    t.match(second.body, { accounts: [{ friendly_name: 'Tea & cake' }], next_page_uri: null })
    t.not(second.body.accounts[0].sid, first.body.accounts[0].sid)
  })

  await t.test('the accounts below one, and those of one name, are found by an index', async (t) => {
    const client = await api.database.pool.connect()
    t.teardown(() => client.release(true))
    await client.query(
      `insert into accounts (sid, auth_id, parent_sid, friendly_name, realm)
       select 'AC' || lpad(to_hex(n), 32, '0'), 'MA_' || n, $1, 'Account ' || n, n || '.paging.test'
       from generate_series(1, 2000) as n`,
      [api.master.sid],
    )
    await client.query('analyze accounts')
    // Most of the rows are best read whole, or in their order; what else there is shows where neither may be done.
    await client.query('set enable_seqscan = off')
    await client.query('set enable_indexscan = off')
    const plans: string[] = []
    const explaining = {
      async query(text: string, values: unknown[]) {
        const { rows } = await client.query<{ 'QUERY PLAN': string }>(`explain ${text}`, values)
        plans.push(rows.map((row) => row['QUERY PLAN']).join('\n'))
        return client.query(text, values)
      },
    } as Queryable
    for (const friendlyName of [undefined, 'Coffee']) {
      const page = await listAccounts(explaining, api.master.sid, { friendlyName }, { kind: 'offset', rows: 0 }, 50)
      t.ok(page.rows.length > 0)
    }
    const [all = '', named = ''] = plans
    t.match(all, /BitmapOr.*Bitmap Index Scan on accounts_/s, all)
    t.match(named, /BitmapOr.*Bitmap Index Scan on accounts_friendly_name.*parent_sid.*friendly_name/s, named)
  })

  await t.test('a page that cannot be is refused', async (t) => {
    const [{ path }, other] = [await furnish(api), await furnish(api)]
    const { body } = await api.ask('GET', `${path}?PageSize=1`)
    const token = new URL(body.next_page_uri, api.url).searchParams.get('PageToken') ?? ''
    const altered = token.replace(/.$/, (digit) => (digit === '0' ? '1' : '0'))
    const refused: [query: string, code: number, message: RegExp][] = [
      ['PageSize=1001', 20007, /^PageSize must not exceed 1000$/],
      [`PageSize=${'9'.repeat(400)}`, 20007, /^PageSize must not exceed 1000$/],
      ...['0', '-1', '', '1.5', '1e2', ' 1', '0x10', 'all'].map(
        (size) => [`PageSize=${size}`, 20001, /^PageSize must be a number/] as [string, number, RegExp],
      ),
      ...['-1', '', '1.5', 'x', '9'.repeat(10)].map(
        (page) => [`Page=${page}`, 20001, /^Page must be a number/] as [string, number, RegExp],
      ),
      ...['', 'x', `${token}x`, token.slice(0, -1), altered, token.toUpperCase(), 'PA1', "PA1'_"].map(
        (each) => [`PageToken=${each}`, 20001, /^PageToken must be one that/] as [string, number, RegExp],
      ),
    ]
    for (const [query, code, message] of refused) {
      const answer = await api.ask('GET', `${path}?${query}`)
      t.match(answer, { status: 400, body: { status: 400, code, message } }, query.slice(0, 60))
    }
    const moved = await api.ask('GET', `${other.path}?PageToken=${token}`)
    t.match(moved, { status: 400, body: { message: /^PageToken/ } }, 'a token is good for its own list alone')
    t.equal((await api.ask('GET', `${path}?PageSize=1000`)).status, 200)
    t.strictSame(names(await api.ask('GET', `${path}?Page=999999999&PageSize=1000`)), [], 'beyond the end is nothing')
  })
})
