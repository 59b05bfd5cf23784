import { pino } from 'pino'
import type { Test } from 'tap'
import { createChecks } from '../../src/checks.js'
import { readConfig } from '../../src/config.js'
import { createMetrics } from '../../src/metrics.js'
import { createMemoryMirror } from '../../src/mirror/memory-mirror.js'
import { Secret } from '../../src/secret.js'
import { createDatabaseReader } from '../../src/store/credential-reader.js'
import { openLookup } from '../lookup/in-process.js'
import { createProxy } from '../lookup/proxy.js'
import type { Answer, RunningApi } from './running-api.js'
import { askVobiz, createTenant, credentialsOf, type Tenant } from './vobiz-client.js'

/** The documents' own example. */
const PASSWORD = 'securepassword123'
const FIELDS = ['id', 'account_id', 'username', 'password', 'realm', 'enabled', 'created_at', 'updated_at']
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/

function isRefused(t: Test, answer: Answer, code: number, error: RegExp | string, what: string = answer.text) {
  t.match(answer, { status: code, body: { code, error } }, what)
  t.strictSame(Object.keys(answer.body), ['error', 'code'], what)
}

async function create(api: RunningApi, key: Tenant, username: string, more: object = {}) {
  const json = { username, password: PASSWORD, ...more }
  const answer = await askVobiz(api, 'POST', credentialsOf(key), { key, json })
  if (answer.status !== 201) throw new Error(answer.text)
  return answer.body
}

async function testLife(t: Test, api: RunningApi) {
  const key = await createTenant(api)
  const { realm } = (await api.ask('GET', `/2010-04-01/Accounts/${key.sid}.json`)).body
  const path = credentialsOf(key)
  const json = { username: 'acme_sip_user_01', password: PASSWORD }
  const created = await askVobiz(api, 'POST', path, { key, json })
  t.equal(created.status, 201)
  t.strictSame(Object.keys(created.body), FIELDS)
  const shown = { account_id: key.authId, username: json.username, password: '<redacted>', realm, enabled: true }
  t.match(created.body, { ...shown, id: UUID, created_at: TIME, updated_at: TIME })
  t.match(
    api.published.at(-1),
    { kind: 'credential', realm, username: json.username },
    'mirrored before it is answered',
  )

  const own = `${path}/${created.body.id}`
  t.strictSame((await askVobiz(api, 'GET', own, { key })).body, created.body)
  const upper = `${path}/${created.body.id.toUpperCase()}`
  t.strictSame((await askVobiz(api, 'GET', upper, { key })).body, created.body, 'a UUID is read in either case')

  for (const change of [{ password: 'another password' }, { enabled: false }, { description: 'Küche 📞' }, {}]) {
    const updated = await askVobiz(api, 'PUT', own, { key, json: change })
    t.equal(updated.status, 200)
    t.strictSame(Object.keys(updated.body), FIELDS, 'the description is not shown')
    t.match(updated.body, { ...shown, enabled: !('enabled' in change) && updated.body.enabled, id: created.body.id })
    t.equal(updated.body.created_at, created.body.created_at)
  }
  t.match((await askVobiz(api, 'GET', own, { key })).body, { enabled: false }, 'what is left out stays as it is')
  const named = await askVobiz(api, 'PUT', own, { key, json: { username: json.username, enabled: true } })
  t.match(named, { status: 200, body: { enabled: true } }, 'the user name may be sent along')

  const taken = await askVobiz(api, 'POST', path, { key, json })
  t.strictSame([taken.status, taken.body], [409, { error: 'Username already exists', code: 409 }])

  const deleted = await askVobiz(api, 'DELETE', own, { key })
  t.match([deleted.status, deleted.text], [204, ''])
  for (const method of ['GET', 'PUT', 'DELETE']) {
    const gone = await askVobiz(api, method, own, { key, ...(method === 'PUT' && { json: {} }) })
    t.strictSame([gone.status, gone.body], [404, { error: 'Credential not found', code: 404 }])
  }
  const again = await create(api, key, json.username, { enabled: false, description: 'Reception' })
  t.match(again, { enabled: false })
  t.not(again.id, created.body.id)
}

async function testSpellings(t: Test, api: RunningApi) {
  const key = await createTenant(api)
  const bases = ['account', 'Account'].map((word) => `/api/v1/${word}/${key.authId}`)
  const made: string[] = []
  for (const [n, base] of bases.entries()) {
    for (const slash of ['', '/']) {
      const path = `${base}/credentials${slash}`
      const json = { username: `user-${n}${slash && '-slash'}`, password: PASSWORD }
      const created = await askVobiz(api, 'POST', path, { key, json })
      t.equal(created.status, 201, path)
      made.unshift(created.body.id)
      const own = `${base}/credentials/${created.body.id}${slash}`
      t.equal((await askVobiz(api, 'GET', own, { key })).status, 200, own)
      t.equal((await askVobiz(api, 'PUT', own, { key, json: { enabled: false } })).status, 200, own)
      for (const list of [path, `${base}/trunks/credentials${slash}`, `${path}?limit=20&offset=0`]) {
        const listed = await askVobiz(api, 'GET', list, { key })
        t.strictSame(
          listed.body?.objects.map(({ id }: { id: string }) => id),
          made,
          list,
        )
      }
    }
  }
  for (const [n, id] of made.entries()) {
    const path = `${bases[n % 2]}/credentials/${id}${n < 2 ? '/' : ''}`
    t.equal((await askVobiz(api, 'DELETE', path, { key })).status, 204, path)
  }
}

async function testList(t: Test, api: RunningApi) {
  const key = await createTenant(api)
  const path = `/api/v1/Account/${key.authId}/trunks/credentials`
  const empty = await askVobiz(api, 'GET', path, { key })
  t.strictSame([empty.status, empty.body], [200, { meta: { limit: 20, offset: 0, total: 0 }, objects: [] }])
  const names = Array.from({ length: 23 }, (_, n) => `user-${n}`)
  for (const username of names) {
    await api.provision.credentials.createInDefault(key.sid, { username, password: PASSWORD })
  }
  const newestFirst = names.toReversed()
  const pages = {
    '': [20, 0],
    '?limit=7&offset=5': [7, 5],
    '?offset=20': [20, 20],
    '?limit=1000&offset=23': [1000, 23],
  }
  for (const [query, [limit = 0, offset = 0]] of Object.entries(pages)) {
    const { status, body } = await askVobiz(api, 'GET', path + query, { key })
    t.equal(status, 200)
    t.strictSame(Object.keys(body), ['meta', 'objects'])
    t.strictSame(body.meta, { limit, offset, total: 23 })
    t.strictSame(
      body.objects.map(({ username }: { username: string }) => username),
      newestFirst.slice(offset, offset + limit),
    )
    for (const object of body.objects) t.strictSame(Object.keys(object), FIELDS)
  }
  const numbers = ['', '-1', '1.5', '1e1', ' 1', '0x1', 'ten', '1000000000', '9'.repeat(400)]
  for (const text of [...numbers, '0', '1001']) {
    const answer = await askVobiz(api, 'GET', `${path}?limit=${text}`, { key })
    isRefused(t, answer, 422, 'limit must be a number of 1 to 1000', `limit=${text}`)
  }
  for (const text of numbers) {
    const answer = await askVobiz(api, 'GET', `${path}?offset=${text}`, { key })
    isRefused(t, answer, 422, /^offset must be a number of 0 to 999999999$/, `offset=${text}`)
  }
}

async function testRules(t: Test, api: RunningApi) {
  const key = await createTenant(api)
  const path = credentialsOf(key)
  const own = `${path}/${(await create(api, key, 'ann')).id}`
  const [username, password] = ['bob', PASSWORD]
  const name = /^username must be a string of 1 to 64 characters out of ASCII letters, digits and /
  const secret = /^password must be a string of 8 to 256 characters without NUL and lone surrogates$/
  const text = /^description must be a string of at most 255 characters without NUL and lone surrogates$/
  const names = ['', 'a b', 'a"b', 'a:b', 'a\u0000', 'änn', 'a'.repeat(65), null, 7, ['bob'], { a: 1 }, true]
  const secrets = ['', 'seven77', 'a'.repeat(257), 'password\u0000', 'password\ud800', null, 12345678, ['x'], {}, false]
  const switches = [null, 'true', 0, 1, [], {}, 'false', '']
  const texts = ['a'.repeat(256), 'a\u0000', null, 1, ['a'], {}]
  const refused: [object, RegExp][] = [
    [{}, /^username is required$/],
    [{ password }, /^username is required$/],
    [{ username }, /^password is required$/],
    ...names.map((each): [object, RegExp] => [{ username: each, password }, name]),
    ...secrets.map((each): [object, RegExp] => [{ username, password: each }, secret]),
    ...switches.map((each): [object, RegExp] => [
      { username, password, enabled: each },
      /^enabled must be true or false$/,
    ]),
    ...texts.map((each): [object, RegExp] => [{ username, password, description: each }, text]),
  ]
  for (const [json, error] of refused) {
    isRefused(t, await askVobiz(api, 'POST', path, { key, json }), 422, error, `POST ${JSON.stringify(json)}`)
  }
  const changes: [object, RegExp][] = [
    [{ username: 'bob' }, /^username cannot be changed$/],
    ...secrets.map((each): [object, RegExp] => [{ password: each, enabled: false }, secret]),
    ...switches.map((each): [object, RegExp] => [{ password: 'another password', enabled: each }, /^enabled must be/]),
    ...texts.map((each): [object, RegExp] => [{ description: each, enabled: false }, text]),
  ]
  for (const [json, error] of changes) {
    isRefused(t, await askVobiz(api, 'PUT', own, { key, json }), 422, error, `PUT ${JSON.stringify(json)}`)
  }
  const kept = await askVobiz(api, 'GET', path, { key })
  t.match(kept.body, { meta: { total: 1 }, objects: [{ username: 'ann', enabled: true }] }, 'nothing was written')
  const widest = { username: 'Aa0-_.!~*()&=+$,;?/@#%'.padEnd(64, 'z'), password: 'ü'.repeat(256), unknown: [null] }
  t.match(await create(api, key, widest.username, { ...widest, description: '📞'.repeat(255) }), {
    username: widest.username,
  })
  t.match(await create(api, key, 'Ann', { password: '📞'.repeat(8), id: 'x', realm: 7, description: '' }), {
    username: 'Ann',
  })
}

async function testRaces(t: Test, api: RunningApi) {
  const [key, other] = [await createTenant(api), await createTenant(api)]
  const json = { username: 'same', password: PASSWORD }
  const ask = () => askVobiz(api, 'POST', credentialsOf(key), { key, json })
  const answers = await Promise.all(Array.from({ length: 8 }, ask))
  t.strictSame(answers.map(({ status }) => status).sort(), [201, ...Array(7).fill(409)])
  const { meta, objects } = (await askVobiz(api, 'GET', credentialsOf(key), { key })).body
  t.strictSame([meta.total, objects.length], [1, 1])

  await Promise.all(['ann', 'bob', 'cem', 'dan'].map((username) => create(api, other, username)))
  for (const each of [key, other]) {
    const lists = await api.ask('GET', `/2010-04-01/Accounts/${each.sid}/SIP/CredentialLists.json`)
    t.strictSame(
      lists.body.credential_lists.map((list: { friendly_name: string }) => list.friendly_name),
      ['default'],
      'of two first credentials at once comes one list',
    )
  }
}

async function testBothDialects(t: Test, api: RunningApi) {
  const key = await createTenant(api)
  const path = credentialsOf(key)
  const lists = api.client(key).sip.credentialLists
  const realm = `${key.authId.replace('_', '-').toLowerCase()}.example`
  const phones = await api.provision.credentialLists.create(key.sid, { friendlyName: 'Phones', realm })
  const twilio = await lists(phones.sid).credentials.create({ username: 'desk', password: 'Correct-Horse-7' })
  const vobiz = await create(api, key, 'mobile')
  const listed = (await askVobiz(api, 'GET', path, { key })).body.objects
  t.match(listed, [{ username: 'mobile' }, { username: 'desk' }], 'the list shows all, whatever their lists')
  t.equal(listed[0].id, vobiz.id)
  const desk = listed[1]
  t.equal(desk.id.replaceAll('-', ''), twilio.sid.slice(2), 'one UUID in both dialects')
  t.equal(desk.realm, realm)

  const [found] = (await lists.list()).filter(({ friendlyName }) => friendlyName === 'default')
  t.ok(found, 'the list named default shows in the other dialect')
  const { credentials } = lists(found?.sid ?? '')
  const sid = `CR${vobiz.id.replaceAll('-', '')}`
  t.match(await credentials(sid).fetch(), { username: 'mobile', sid })
  await credentials(sid).update({ password: 'Correct-Horse-8' })
  const change = { enabled: false, description: 'Front desk' }
  t.match(await askVobiz(api, 'PUT', `${path}/${desk.id}`, { key, json: change }), { body: { enabled: false } })
  const shown = `/2010-04-01/Accounts/${key.sid}/SIP/CredentialLists/${phones.sid}/Credentials/${twilio.sid}.json`
  t.match(await api.ask('GET', shown), { body: change }, 'a change in one is seen in the other')

  t.equal((await askVobiz(api, 'DELETE', `${path}/${desk.id}`, { key })).status, 204)
  t.strictSame(await lists(phones.sid).credentials.list(), [], 'what one deletes is gone in the other')
  await credentials(sid).remove()
  t.match((await askVobiz(api, 'GET', path, { key })).body, { meta: { total: 0 }, objects: [] })
  await lists(found?.sid ?? '').remove()
  t.match(
    await create(api, key, 'mobile'),
    { username: 'mobile' },
    'a list named default that was deleted appears again',
  )
}

async function testNoLimits(t: Test, api: RunningApi) {
  const key = await createTenant(api)
  await api.database.pool.query(
    `insert into credential_lists (sid, account_sid, friendly_name, realm)
     select 'CL' || md5($1 || n), $1, 'list ' || n, (select realm from accounts where sid = $1)
     from generate_series(1, 100) n`,
    [key.sid],
  )
  const first = await create(api, key, 'first')
  await api.database.pool.query(
    `insert into credentials (sid, list_sid, account_sid, realm, username, version, ha1)
     select 'CR' || md5($1 || n), list_sid, account_sid, realm, 'u' || n, version, ha1
     from credentials, generate_series(1, 999) n where sid = $1`,
    [`CR${first.id.replaceAll('-', '')}`],
  )
  t.match(await create(api, key, 'the-1001st'), { username: 'the-1001st' })
  const [list] = (await api.client(key).sip.credentialLists.list()).filter((each) => each.friendlyName === 'default')
  const path = `/2010-04-01/Accounts/${key.sid}/SIP/CredentialLists/${list?.sid}/Credentials.json`
  const form = { Username: 'one-more', Password: 'Correct-Horse-7' }
  t.match(
    await api.ask('POST', path, { form }),
    { status: 400, body: { code: 21242 } },
    "which is the other dialect's limit",
  )
}

async function testAccess(t: Test, api: RunningApi) {
  const [ann, bob] = [await createTenant(api), await createTenant(api)]
  const theirs = (await create(api, bob, 'bob')).id
  const own = (await create(api, ann, 'ann')).id
  const json = { username: 'eve', password: PASSWORD }
  const error = 'X-Auth-ID and X-Auth-Token must be those of this account or of the one above it'
  const wrong: Record<string, Pick<Tenant, 'authId' | 'token'> | null> = {
    'no headers': null,
    'a wrong token': { ...ann, token: bob.token },
    'an empty token': { ...ann, token: '' },
    'an unknown account': { ...ann, authId: `MA_${'A'.repeat(20)}` },
    'an id that is none': { ...ann, authId: 'MA_x' },
    'a SID': { authId: ann.sid, token: ann.token },
  }
  for (const [what, key] of Object.entries(wrong)) {
    const answer = await askVobiz(api, 'GET', credentialsOf(ann), { key })
    isRefused(t, answer, 401, error, what)
    t.match(answer.headers.get('www-authenticate'), /^X-Auth-Token realm="/)
  }
  const basic = `Basic ${Buffer.from(`${ann.sid}:${ann.token}`).toString('base64')}`
  const other = await askVobiz(api, 'GET', credentialsOf(ann), { key: null, headers: { authorization: basic } })
  isRefused(t, other, 401, error, "the other dialect's way of showing who asks")
  const named = await api.ask('GET', `/2010-04-01/Accounts/${ann.sid}.json`, { key: { ...ann, sid: ann.authId } })
  t.match(named, { status: 401, body: { code: 20003 } }, 'and the reverse')

  const tries: [string, string, string][] = [
    ['GET', credentialsOf(bob), 'Account not found'],
    ['POST', credentialsOf(bob), 'Account not found'],
    ['GET', `/api/v1/Account/${bob.authId}/trunks/credentials`, 'Account not found'],
    ['GET', credentialsOf({ authId: `MA_${'A'.repeat(20)}` }), 'Account not found'],
    ['GET', credentialsOf({ authId: ann.sid }), 'Account not found'],
    ...['GET', 'PUT', 'DELETE'].flatMap((method): [string, string, string][] => [
      [method, `${credentialsOf(bob)}/${theirs}`, 'Account not found'],
      [method, `${credentialsOf(ann)}/${theirs}`, 'Credential not found'],
      [method, `${credentialsOf(bob)}/${own}`, 'Account not found'],
      [method, `${credentialsOf(ann)}/${own.replaceAll('-', '')}`, 'Credential not found'],
      [method, `${credentialsOf(ann)}/CR${own.replaceAll('-', '')}`, 'Credential not found'],
    ]),
  ]
  for (const [method, path, message] of tries) {
    const body = method === 'POST' ? { json } : method === 'PUT' ? { json: { enabled: false } } : {}
    isRefused(t, await askVobiz(api, method, path, { key: ann, ...body }), 404, message, `${method} ${path}`)
  }
  const kept = await askVobiz(api, 'GET', credentialsOf(bob), { key: bob })
  t.match(kept.body, { meta: { total: 1 }, objects: [{ username: 'bob', enabled: true }] }, 'nothing has changed')
}

async function testFamily(t: Test, api: RunningApi) {
  const parent = await createTenant(api)
  const child = await createTenant(api, parent.sid)
  const grandchild = await createTenant(api, child.sid)
  const { id } = await create(api, child, 'ann')
  const path = `${credentialsOf(child)}/${id}`
  t.match(await askVobiz(api, 'GET', path, { key: parent }), { status: 200, body: { account_id: child.authId } })
  t.equal((await askVobiz(api, 'PUT', path, { key: parent, json: { enabled: false } })).status, 200)
  isRefused(t, await askVobiz(api, 'GET', credentialsOf(parent), { key: child }), 401, /./, 'never the reverse')
  isRefused(t, await askVobiz(api, 'GET', credentialsOf(grandchild), { key: parent }), 404, 'Account not found')

  await api.provision.accounts.update(child.sid, { status: 'suspended' })
  isRefused(t, await askVobiz(api, 'GET', path, { key: child }), 401, 'Account not active')
  t.equal((await askVobiz(api, 'GET', path, { key: parent })).status, 200, 'a parent sees it all the same')
  const wrong = await askVobiz(api, 'GET', path, { key: { ...child, token: 'wrong' } })
  isRefused(t, wrong, 401, /^X-Auth-ID/, 'that it is suspended only itself learns')
}

async function testVerify(t: Test, api: RunningApi) {
  const key = await createTenant(api)
  const metrics = createMetrics()
  const checks = createChecks({
    config: readConfig({}),
    redis: undefined,
    mirror: createMemoryMirror(),
    database: createDatabaseReader(api.database.pool),
    decoySecret: 'a decoy secret',
    nonceSecrets: [new Secret('a nonce secret')],
    log: pino({ level: 'silent' }),
    now: Date.now,
    metrics,
  })
  const { url } = await openLookup(t, { checks, metrics })
  const { id, realm } = await create(api, key, 'ann')
  const own = `${credentialsOf(key)}/${id}`
  const proxy = createProxy(url, realm)
  const attempt = async (password: string) => (await proxy.attempt({ username: 'ann', password })).json
  const change = async (json: object) => t.equal((await askVobiz(api, 'PUT', own, { key, json })).status, 200)
  t.match(await attempt(PASSWORD), { status: 200, reason: 'ok', credential_sid: `CR${id.replaceAll('-', '')}` })
  await change({ enabled: false })
  t.match(await attempt(PASSWORD), { status: 403, reason: 'disabled' })
  await change({ enabled: true, password: 'another password' })
  t.match(await attempt(PASSWORD), { status: 401, reason: 'bad_response' })
  t.match(await attempt('another password'), { status: 200, reason: 'ok' })
  await askVobiz(api, 'DELETE', own, { key })
  t.match(await attempt('another password'), { status: 401, reason: 'unknown_user' })
}

async function testTrail(t: Test, api: RunningApi) {
  const key = await createTenant(api)
  const { id } = await create(api, key, 'ann')
  const own = `${credentialsOf(key)}/${id}`
  await askVobiz(api, 'PUT', own, { key, json: { password: 'another password' } })
  await askVobiz(api, 'DELETE', own, { key })
  const { rows } = await api.database.pool.query(
    `select action, door, actor_sid, request_id is not null as named from audit
     where account_sid = $1 and door <> 'cli' order by id`,
    [key.sid],
  )
  const author = { door: 'vobiz', actor_sid: key.sid, named: true }
  const actions = ['credential_list.create', 'credential.create', 'credential.update', 'credential.delete']
  t.strictSame(
    rows,
    actions.map((action) => ({ action, ...author })),
  )
}

/** Everything that Vobiz's documents tell of credentials. */
export async function testVobiz(t: Test, api: RunningApi): Promise<void> {
  await t.test('a credential is created, fetched, changed and deleted', (t) => testLife(t, api))
  await t.test('paths are known with account and Account, with and without a slash', (t) => testSpellings(t, api))
  await t.test('the list has limit, offset and total', (t) => testList(t, api))
  await t.test('what breaks a rule is answered 422 with the field and the rule', (t) => testRules(t, api))
  await t.test('of concurrent creations of one name exactly one gets 201', (t) => testRaces(t, api))
  await t.test('both dialects show and change the same credentials', (t) => testBothDialects(t, api))
  await t.test("limits of the other dialect's lists are not this one's", (t) => testNoLimits(t, api))
  await t.test("another account's credentials do not exist", (t) => testAccess(t, api))
  await t.test('a parent acts on the accounts below it, never the reverse', (t) => testFamily(t, api))
  await t.test('a disabled credential gets 403 from /v1/verify', (t) => testVerify(t, api))
  await t.test('the audit trail names the dialect', (t) => testTrail(t, api))
  t.notMatch(api.logged.join(''), PASSWORD, 'no password is logged')
}
