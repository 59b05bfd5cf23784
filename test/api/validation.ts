import type { Test } from 'tap'
import type { RunningApi } from './running-api.js'

const PASSWORD = 'Correct-Horse-7'
const WEAK = /^Password must be at least 12 characters, among them a digit, a lower-case and an upper-case letter$/

/** 999 copies of a credential, under other names. */
const FILL = `insert into credentials (sid, list_sid, account_sid, realm, username, version,
                                       ha1, ha1_sha256, ha1_sha512_256, ha1b, ha1b_sha256, ha1b_sha512_256)
  select 'CR' || lpad(to_hex(n), 32, '0'), list_sid, account_sid, realm, 'u' || n, version,
         ha1, ha1_sha256, ha1_sha512_256, ha1b, ha1b_sha256, ha1b_sha512_256
  from credentials, generate_series(1, 999) n where sid = $1`

type Refused = [what: string, form: Record<string, string>, code: number, message: RegExp]

/** Posts each form, and sees that it is refused with its code and message, that no secret is told, nothing written. */
async function testRefusals(t: Test, api: RunningApi, path: string, key: string, refusals: Refused[]) {
  const before = (await api.ask('GET', path)).body[key].length
  for (const [what, form, code, message] of refusals) {
    const answer = await api.ask('POST', path, { form })
    const more_info = `https://www.twilio.com/docs/errors/${code}`
    t.match(answer, { status: 400, body: { status: 400, code, message, more_info } }, what)
    t.strictSame(Object.keys(answer.body), ['code', 'message', 'more_info', 'status'])
    if (form.Password) t.notMatch(answer.text, form.Password, 'the password is not in the answer')
  }
  t.equal((await api.ask('GET', path)).body[key].length, before, 'nothing was written')
}

async function testLists(t: Test, api: RunningApi) {
  const path = `/2010-04-01/Accounts/${api.master.sid}/SIP/CredentialLists.json`
  const stranger = await api.createAccount()
  await api.provision.credentialLists.create(stranger.sid, { friendlyName: 'x', realm: 'taken.example' })
  await api.provision.credentialLists.create(api.master.sid, { friendlyName: 'Taken' })
  const FriendlyName = 'New'
  await testRefusals(t, api, path, 'credential_lists', [
    ['no name', {}, 21240, /^FriendlyName is required$/],
    ['an empty name', { FriendlyName: '' }, 21240, /^FriendlyName must be 1 to 64 characters$/],
    ['a long name', { FriendlyName: 'é'.repeat(65) }, 21240, /^FriendlyName must be 1 to 64 characters$/],
    ['a line end', { FriendlyName: 'a\nb' }, 21240, /^FriendlyName must not hold control characters$/],
    ['a taken name', { FriendlyName: 'Taken' }, 21240, /^FriendlyName is taken/],
    ['an empty realm', { FriendlyName, Realm: '' }, 21240, /^Realm must be a host name/],
    ['a realm that is no host name', { FriendlyName, Realm: 'a"b' }, 21240, /^Realm must be a host name/],
    [
      'a long realm',
      { FriendlyName, Realm: `${'a.'.repeat(64)}a` },
      21240,
      /^Realm must be .* at most 128 characters$/,
    ],
    ['a taken realm', { FriendlyName, Realm: 'Taken.Example' }, 21240, /^Realm belongs to another account$/],
    [
      'an unknown algorithm',
      { FriendlyName, Algorithms: 'SHA-1' },
      21240,
      /^Algorithms must be some of MD5, SHA-256, /,
    ],
    ['an algorithm twice', { FriendlyName, Algorithms: 'MD5,MD5' }, 21240, /^Algorithms must be .* each once/],
    ['no algorithm', { FriendlyName, Algorithms: '' }, 21240, /^Algorithms must be/],
    ['a space', { FriendlyName, Algorithms: 'MD5, SHA-256' }, 21240, /^Algorithms must be/],
    ['a name of every object', { FriendlyName, Algorithms: 'constructor' }, 21240, /^Algorithms must be/],
  ])
}

async function testListFields(t: Test, api: RunningApi) {
  const { sid } = await api.createAccount()
  const path = `/2010-04-01/Accounts/${sid}/SIP/CredentialLists`
  const form = { FriendlyName: '📞'.repeat(64), Realm: 'Sip.Example', Algorithms: 'SHA-256,MD5', Unknown: '1' }
  const created = await api.ask('POST', `${path}.json`, { form })
  const shown = { friendly_name: form.FriendlyName, realm: 'sip.example', algorithms: ['SHA-256', 'MD5'] }
  t.match(created, { status: 201, body: shown }, 'a realm is shown in lower case, algorithms in their order')
  const list = `${path}/${created.body.sid}`
  t.match(await api.ask('POST', `${list}.json`, { form: { Realm: 'b.example' } }), { body: { realm: 'b.example' } })
  const changed = await api.ask('POST', `${list}.json`, { form: { Algorithms: 'MD5' } })
  t.match(changed, { status: 200, body: { ...shown, realm: 'b.example', algorithms: ['MD5'] } })
  const reset = await api.ask('POST', `${list}.json`, { form: { Algorithms: '' } })
  t.match(reset, { status: 200, body: { realm: 'b.example', algorithms: null } }, "the server's default again")
  t.match(api.published.at(-1), { kind: 'realm', realm: 'b.example' }, 'which is mirrored')
  const again = await api.ask('POST', `${list}.json`, { form: { Algorithms: 'MD5', FriendlyName: '📞'.repeat(64) } })
  t.match(again.body, { algorithms: ['MD5'] })
  const plain = await api.ask('POST', `${path}.json`, { form: { FriendlyName: 'Plain' } })
  const account = await api.ask('GET', `/2010-04-01/Accounts/${sid}.json`)
  t.match(plain.body, { realm: account.body.realm, algorithms: null }, "without a realm it lies in the account's own")
  await api.ask('POST', `${list}/Credentials.json`, { form: { Username: 'ann', Password: PASSWORD } })
  const fixed = await api.ask('POST', `${list}.json`, { form: { Realm: 'c.example', FriendlyName: 'Half' } })
  t.match(fixed, { status: 400, body: { code: 21240, message: /^Realm is fixed once/ } })
  const after = await api.ask('GET', `${list}.json`)
  t.match(after.body, { realm: 'b.example', friendly_name: form.FriendlyName }, 'a refused update changes nothing')
}

async function testCredentials(t: Test, api: RunningApi) {
  const { sid } = await api.createAccount()
  const lists = `/2010-04-01/Accounts/${sid}/SIP/CredentialLists`
  const list = await api.provision.credentialLists.create(sid, { friendlyName: 'One' })
  const other = await api.provision.credentialLists.create(sid, { friendlyName: 'Two' })
  await api.provision.credentials.create(sid, other.sid, { username: 'taken', password: PASSWORD })
  const path = `${lists}/${list.sid}/Credentials.json`
  const name = /^Username must be 1 to 32 characters out of ASCII letters/
  const [Username, Password] = ['ann', PASSWORD]
  await testRefusals(t, api, path, 'credentials', [
    ['no user name', { Password }, 21243, /^Username is required$/],
    ['no password', { Username }, 21243, /^Password is required$/],
    ['an empty user name', { Username: '', Password }, 21243, name],
    ['a space', { Username: 'ann ', Password }, 21243, name],
    ['a quote', { Username: 'a"nn', Password }, 21243, name],
    ['a colon', { Username: 'a:nn', Password }, 21243, name],
    ['a line end', { Username: 'ann\r\n', Password }, 21243, name],
    ['a letter that is not ASCII', { Username: 'änn', Password }, 21243, name],
    ['a long user name', { Username: 'a'.repeat(33), Password }, 21240, /^Username must not exceed 32 characters$/],
    ['a name taken in another list of the realm', { Username: 'taken', Password }, 21243, /^Username is taken/],
    ['a short password', { Username, Password: 'Short-Pass7' }, 21240, WEAK],
    ['a password without a digit', { Username, Password: 'Correct-Horse' }, 21240, WEAK],
    ['a password without capitals', { Username, Password: 'correct-horse-7' }, 21240, WEAK],
    ['a password without small letters', { Username, Password: 'CORRECT-HORSE-7' }, 21240, WEAK],
    [
      'a long password',
      { Username, Password: `${'aA7'.repeat(85)}aA` },
      21243,
      /^Password must not exceed 256 characters$/,
    ],
  ])
  const longest = { Username: 'A'.repeat(32), Password: `${'aA7é'.repeat(64)}`, Enabled: 'false' }
  const created = await api.ask('POST', path, { form: longest })
  t.match(created, { status: 201, body: { username: longest.Username, enabled: true, description: '' } })
  t.notMatch(JSON.stringify(created.body), longest.Password)
  const cased = await api.ask('POST', path, { form: { Username: 'a'.repeat(32), Password } })
  t.equal(cased.status, 201, 'the case of a user name matters')
}

async function testConcurrency(t: Test, api: RunningApi) {
  const { sid } = await api.createAccount()
  const lists = `/2010-04-01/Accounts/${sid}/SIP/CredentialLists`
  const eight = Array.from({ length: 8 })
  const made = await Promise.all(eight.map(() => api.ask('POST', `${lists}.json`, { form: { FriendlyName: 'Same' } })))
  const first = made.filter(({ status }) => status === 201)
  t.equal(first.length, 1)
  t.strictSame(new Set(made.filter((each) => each !== first[0]).map(({ body }) => body.code)), new Set([21240]))
  const path = `${lists}/${first[0]?.body.sid}/Credentials.json`
  const form = { Username: 'same', Password: PASSWORD }
  const credentials = await Promise.all(eight.map(() => api.ask('POST', path, { form })))
  t.strictSame(credentials.map(({ status }) => status).sort(), [201, ...Array(7).fill(400)])
  t.equal(credentials.filter(({ body }) => body.code === 21243).length, 7)
  t.equal((await api.ask('GET', path)).body.credentials.length, 1)
}

async function testListLimit(t: Test, api: RunningApi) {
  const { sid } = await api.createAccount()
  for (let made = 0; made < 100; made += 1) await api.provision.credentialLists.create(sid, { friendlyName: `${made}` })
  const path = `/2010-04-01/Accounts/${sid}/SIP/CredentialLists.json`
  const refused = await api.ask('POST', path, { form: { FriendlyName: 'one more' } })
  t.match(refused, { status: 400, body: { code: 21239, message: 'CredentialLists are limited to 100 an account' } })
}

async function testCredentialLimit(t: Test, api: RunningApi) {
  const { sid } = await api.createAccount()
  const list = await api.provision.credentialLists.create(sid, { friendlyName: 'Full' })
  const model = await api.provision.credentials.create(sid, list.sid, { username: 'u0', password: PASSWORD })
  await api.database.pool.query(FILL, [model.sid])
  const path = `/2010-04-01/Accounts/${sid}/SIP/CredentialLists/${list.sid}/Credentials.json`
  const refused = await api.ask('POST', path, { form: { Username: 'one-more', Password: PASSWORD } })
  t.match(refused, { status: 400, body: { code: 21242, message: 'Credentials are limited to 1000 a list' } })
  t.equal((await api.ask('GET', `${path}?PageSize=1000`)).body.credentials.length, 1000, 'a page may hold them all')
}

async function testAccounts(t: Test, api: RunningApi) {
  await testRefusals(t, api, '/2010-04-01/Accounts.json', 'accounts', [
    ['an empty name', { FriendlyName: '' }, 20001, /^FriendlyName must be 1 to 64 characters$/],
    ['a long name', { FriendlyName: 'a'.repeat(65) }, 20001, /^FriendlyName must be 1 to 64 characters$/],
    ['an escape', { FriendlyName: '\x1b[2J' }, 20001, /^FriendlyName must not hold control characters$/],
  ])
  const { sid } = await api.createAccount()
  const path = `/2010-04-01/Accounts/${sid}.json`
  const update = await api.ask('POST', path, { form: { FriendlyName: 'New', Status: 'paused' } })
  t.match(update, { status: 400, body: { code: 20001, message: 'Status must be one of active, suspended, closed' } })
  t.not((await api.ask('GET', path)).body.friendly_name, 'New')
  t.match(await api.ask('GET', '/2010-04-01/Accounts.json?Status=x'), { status: 400, body: { code: 20001 } })
}

/** Every rule that a write can break. */
export async function testValidation(t: Test, api: RunningApi): Promise<void> {
  await t.test('of an account', (t) => testAccounts(t, api))
  await t.test('of a credential list', (t) => testLists(t, api))
  await t.test('a credential list takes a realm while it is empty, and algorithms', (t) => testListFields(t, api))
  await t.test('of a credential', (t) => testCredentials(t, api))
  await t.test('of concurrent creations of one name exactly one is left', (t) => testConcurrency(t, api))
  await t.test('of a list over the limit', (t) => testListLimit(t, api))
  await t.test('of a credential over the limit', (t) => testCredentialLimit(t, api))
  const log = api.logged.join('')
  t.notMatch(log, PASSWORD, 'no password is logged')
  t.notMatch(log, api.master.token, 'nor a token')
  t.notMatch(log, 'uthorization', 'nor a header that holds one')
  t.not(log, '', 'though requests are, at debug level')
}
