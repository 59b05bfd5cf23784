import type { Test } from 'tap'
import { createAccountAuth } from '../../src/api/account-auth.js'
import { equalInConstantTime } from '../../src/digest/equal.js'
import { hashToken } from '../../src/provision/accounts.js'
import { type Answer, basic, type Key, type RunningApi } from './running-api.js'

const PASSWORD = 'Correct-Horse-7'

function isRefused(t: Test, answer: Answer, status: number, code: number, comment: string = answer.text) {
  t.match(answer, { status, body: { status, code, more_info: `https://www.twilio.com/docs/errors/${code}` } }, comment)
}

/** An account with a list and a credential in it, and the paths of all three. */
async function furnish(api: RunningApi, key: Key) {
  const list = await api.provision.credentialLists.create(key.sid, { friendlyName: 'Phones' })
  const credential = await api.provision.credentials.create(key.sid, list.sid, { username: 'ann', password: PASSWORD })
  const { domains, domainMappings, ipAccessControlLists, ipAddresses } = api.provision
  const domain = await domains.create(key.sid, { domainName: `${key.sid.toLowerCase()}.example` })
  await domainMappings.mapCredentialList(key.sid, domain.sid, 'calls', list.sid)
  await domainMappings.mapCredentialList(key.sid, domain.sid, 'registrations', list.sid)
  const ipList = await ipAccessControlLists.create(key.sid, 'Offices')
  await domainMappings.mapIpAccessControlList(key.sid, domain.sid, ipList.sid)
  const input = { friendlyName: 'Main', ipAddress: '192.0.2.1' }
  const address = await ipAddresses.create(key.sid, ipList.sid, input)
  const account = `/2010-04-01/Accounts/${key.sid}`
  const inDomain = `${account}/SIP/Domains/${domain.sid}`
  const inIpList = `${account}/SIP/IpAccessControlLists/${ipList.sid}`
  const lists = `${account}/SIP/CredentialLists`
  return {
    account,
    lists,
    list: `${lists}/${list.sid}`,
    credential: `${lists}/${list.sid}/Credentials/${credential.sid}`,
    /** Collections, and single things: those that can be changed, and those that cannot. */
    others: {
      collections: [
        ...[`${account}/SIP/Domains`, `${account}/SIP/IpAccessControlLists`, `${inIpList}/IpAddresses`],
        ...['Auth/Calls/', 'Auth/Registrations/', ''].map((place) => `${inDomain}/${place}CredentialListMappings`),
        ...['Auth/Calls/', ''].map((place) => `${inDomain}/${place}IpAccessControlListMappings`),
      ],
      changeable: [inDomain, inIpList, `${inIpList}/IpAddresses/${address.sid}`],
      fixed: [
        ...['Auth/Calls/', 'Auth/Registrations/', ''].map(
          (at) => `${inDomain}/${at}CredentialListMappings/${list.sid}`,
        ),
        ...['Auth/Calls/', ''].map((place) => `${inDomain}/${place}IpAccessControlListMappings/${ipList.sid}`),
      ],
    },
  }
}

async function testAuthentication(t: Test, api: RunningApi) {
  const path = `/2010-04-01/Accounts/${api.master.sid}.json`
  const { sid, token } = api.master
  const wrong: Record<string, string | undefined> = {
    'no Authorization': undefined,
    'a wrong token': basic({ sid, token: 'f'.repeat(32) }),
    'an empty token': basic({ sid, token: '' }),
    'an unknown account': basic({ sid: `AC${'0'.repeat(32)}`, token }),
    'a SID that is none': basic({ sid: 'AC\0', token }),
    'another scheme': `Bearer ${token}`,
    'base64 that is none': 'Basic %%%',
    'no colon': `Basic ${Buffer.from(sid).toString('base64')}`,
  }
  for (const [what, authorization] of Object.entries(wrong)) {
    const answer = await api.ask('GET', path, { key: null, headers: authorization ? { authorization } : {} })
    isRefused(t, answer, 401, 20003, what)
    t.equal(answer.body.message, 'Authenticate')
    t.match(answer.headers.get('www-authenticate'), /^Basic realm="/)
  }
  const lower = await api.ask('GET', path, {
    key: null,
    headers: { authorization: basic(api.master).replace('B', 'b') },
  })
  t.equal(lower.status, 200, 'the scheme is known in any case')
}

/** The same paths under another account. */
function inside({ changeable, fixed }: { changeable: string[]; fixed: string[] }, from: Key, to: Key) {
  const move = (path: string) => path.replace(from.sid, to.sid)
  return { changeable: changeable.map(move), fixed: fixed.map(move) }
}

async function testStrangers(t: Test, api: RunningApi) {
  const [ann, bob] = [await api.createAccount(), await api.createAccount()]
  const theirs = await furnish(api, bob)
  const own = await furnish(api, ann)
  const form = { FriendlyName: 'Mine now', Username: 'eve', Password: PASSWORD }
  const tries = [
    ...['GET', 'POST'].map((method) => [method, `${theirs.account}.json`]),
    ...['GET', 'POST'].map((method) => [method, `${theirs.lists}.json`]),
    ...['GET', 'POST', 'DELETE'].map((method) => [method, `${theirs.list}.json`]),
    ...['GET', 'POST'].map((method) => [method, `${theirs.list}/Credentials.json`]),
    ...['GET', 'POST', 'DELETE'].map((method) => [method, `${theirs.credential}.json`]),
    ...theirs.others.collections.flatMap((path) => ['GET', 'POST'].map((method) => [method, `${path}.json`])),
    ...[theirs.others, inside(theirs.others, bob, ann)].flatMap(({ changeable, fixed }) => [
      ...changeable.flatMap((path) => ['GET', 'POST', 'DELETE'].map((method) => [method, `${path}.json`])),
      ...fixed.flatMap((path) => ['GET', 'DELETE'].map((method) => [method, `${path}.json`])),
    ]),
    // What is theirs, asked for under one's own account.
    ...['GET', 'POST', 'DELETE'].map((method) => [method, theirs.list.replace(bob.sid, ann.sid).concat('.json')]),
    ...['GET', 'POST', 'DELETE'].map((method) => [method, theirs.credential.replace(bob.sid, ann.sid).concat('.json')]),
    ...['GET', 'POST', 'DELETE'].map((method) => [
      method,
      `${own.list}/${theirs.credential.split('/').slice(-2).join('/')}.json`,
    ]),
  ] as [string, string][]
  for (const [method, path] of tries) {
    const answer = await api.ask(method, path, { key: ann, ...(method === 'POST' ? { form } : {}) })
    isRefused(t, answer, 404, 20404, `${method} ${path}`)
    t.equal(answer.body.message, `The requested resource ${path} was not found`)
  }
  const mine = await api.ask('GET', '/2010-04-01/Accounts.json?PageSize=1000', { key: ann })
  t.strictSame(
    mine.body.accounts.map((each: Key) => each.sid),
    [ann.sid],
    'an account lists itself alone',
  )
  const kept = await api.ask('GET', `${theirs.credential}.json`, { key: bob })
  t.match(kept, { status: 200, body: { username: 'ann' } }, 'nothing of theirs has changed')
  for (const path of [...theirs.others.changeable, ...theirs.others.fixed]) {
    t.equal((await api.ask('GET', `${path}.json`, { key: bob })).status, 200, `${path} is there`)
  }
}

async function testFamily(t: Test, api: RunningApi) {
  const child = await api.createAccount()
  const paths = await furnish(api, child)
  t.equal((await api.ask('GET', `${paths.credential}.json`)).status, 200, 'a parent reads what is below it')
  const renamed = await api.ask('POST', `${paths.list}.json`, { form: { FriendlyName: 'Renamed' } })
  t.match(renamed, { status: 200, body: { friendly_name: 'Renamed' } }, 'and changes it')
  const parents = `/2010-04-01/Accounts/${api.master.sid}`
  for (const path of [`${parents}.json`, `${parents}/SIP/CredentialLists.json`]) {
    isRefused(t, await api.ask('GET', path, { key: child }), 401, 20003, 'never the reverse')
  }
  const grandchild = await api.ask('POST', '/2010-04-01/Accounts.json', { key: child, form: { FriendlyName: 'x' } })
  isRefused(t, grandchild, 403, 20006, 'only the master creates accounts')
  const raise = await api.ask('POST', `${paths.account}.json`, { key: child, form: { Status: 'closed' } })
  isRefused(t, raise, 403, 20006, 'an account does not change itself')
  const master = await api.ask('POST', `${parents}.json`, { form: { Status: 'suspended' } })
  isRefused(t, master, 400, 20001, 'nobody suspends the master')
}

async function testStatus(t: Test, api: RunningApi) {
  const child = await api.createAccount()
  const account = `/2010-04-01/Accounts/${child.sid}.json`
  const set = (Status: string) => api.ask('POST', account, { form: { Status } })
  t.match(await set('suspended'), { status: 200, body: { status: 'suspended' } })
  const refused = await api.ask('GET', account, { key: child })
  isRefused(t, refused, 401, 20005, 'a suspended account')
  t.match(refused.headers.get('www-authenticate'), /^Basic realm="/)
  isRefused(t, await api.ask('GET', account, { key: { ...child, token: 'wrong' } }), 401, 20003, 'which only it learns')
  t.match(await set('active'), { status: 200, body: { status: 'active' } })
  t.equal((await api.ask('GET', account, { key: child })).status, 200, 'active again')
  t.match(await set('closed'), { status: 200, body: { status: 'closed' } })
  isRefused(t, await api.ask('GET', account, { key: child }), 401, 20005, 'a closed account')
  t.match(await set('active'), { status: 200, body: { status: 'active' } }, 'which can be opened again')
}

/** What the database is asked and how many hashes are compared until somebody is let in or not. */
async function watchAuthentication(api: RunningApi, sid: string, token: string): Promise<readonly unknown[]> {
  const done: unknown[] = []
  const pool = new Proxy(api.database.pool, {
    get: (target, name) =>
      name !== 'query'
        ? Reflect.get(target, name)
        : (text: string, values: unknown[]) => {
            done.push(text)
            return target.query(text, values)
          },
  })
  const equal = (a: string, b: string) => {
    done.push([a.length, b.length])
    return equalInConstantTime(a, b)
  }
  const tokenHashes = [hashToken(api.master.token)]
  const auth = createAccountAuth({ pool, master: { sid: api.master.sid, tokenHashes }, equal })
  done.push(
    await auth.authenticate(sid, token).then(
      () => 'let in',
      ({ code }) => code,
    ),
  )
  return done
}

async function testEqualWork(t: Test, api: RunningApi) {
  const key = await api.createAccount()
  const known = await watchAuthentication(api, key.sid, key.token)
  t.match(known, [/^select /, [64, 64], [64, 64], 'let in'])
  const refused = [...known.slice(0, -1), 'unauthenticated']
  t.strictSame(await watchAuthentication(api, key.sid, 'wrong'), refused, 'a wrong token')
  t.strictSame(await watchAuthentication(api, `AC${'0'.repeat(32)}`, key.token), refused, 'an unknown account')
  t.strictSame(await watchAuthentication(api, api.master.sid, 'wrong'), refused, "a wrong token of the master's")
  const { token } = await api.provision.accounts.rotateToken(key.sid, 3_600)
  for (const good of [key.token, token]) t.strictSame(await watchAuthentication(api, key.sid, good), known, 'rotated')
}

async function testRotation(t: Test, api: RunningApi) {
  const key = await api.createAccount()
  const account = `/2010-04-01/Accounts/${key.sid}.json`
  const statusOf = async (token: string) => (await api.ask('GET', account, { key: { ...key, token } })).status
  const { token } = await api.provision.accounts.rotateToken(key.sid, 3_600)
  t.strictSame([await statusOf(key.token), await statusOf(token)], [200, 200], 'both are good for the overlap')
  const last = await api.provision.accounts.rotateToken(key.sid, 0)
  const old = [await statusOf(key.token), await statusOf(token)]
  t.strictSame([...old, await statusOf(last.token)], [401, 401, 200], 'without one the new token alone is')
}

/** Who may ask, and who may see what. */
export async function testAccess(t: Test, api: RunningApi): Promise<void> {
  await t.test('whoever is not known gets 401 and 20003', (t) => testAuthentication(t, api))
  await t.test('whoever is refused costs the same work as whoever is let in', (t) => testEqualWork(t, api))
  await t.test('a token that is rotated is in force at once', (t) => testRotation(t, api))
  await t.test("another account's resources do not exist", (t) => testStrangers(t, api))
  await t.test('a parent acts on the accounts below it, never the reverse', (t) => testFamily(t, api))
  await t.test('an account that is not active gets 401 and 20005', (t) => testStatus(t, api))
}
