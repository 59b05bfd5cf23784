import type { Test } from 'tap'
import { exchange } from './raw-http.js'
import type { Answer, RunningApi } from './running-api.js'
import { askVobiz, createTenant, credentialsOf, type Tenant } from './vobiz-client.js'

const PASSWORD = 'securepassword123'

/** Sees that it is an answer in this dialect's form: its body, and what every answer has. */
function isRefused(t: Test, answer: Answer, code: number, error: RegExp | string, what: string) {
  t.match(answer, { status: code, body: { code, error } }, what)
  t.strictSame(Object.keys(answer.body), ['error', 'code'], what)
  t.match(answer.headers.get('content-type'), /^application\/json/, what)
  t.equal(answer.headers.get('cache-control'), 'no-store', what)
  t.equal(answer.headers.get('x-content-type-options'), 'nosniff', what)
}

async function furnish(api: RunningApi, key: Tenant, username: string) {
  const credential = await api.provision.credentials.createInDefault(key.sid, { username, password: PASSWORD })
  const id = credential.sid.slice(2).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
  return `${credentialsOf(key)}/${id}`
}

async function testMethods(t: Test, api: RunningApi, key: Tenant) {
  const own = await furnish(api, key, 'methods')
  const allowed = {
    [credentialsOf(key)]: 'GET, HEAD, POST',
    [`/api/v1/account/${key.authId}/trunks/credentials`]: 'GET, HEAD',
    [own]: 'DELETE, GET, HEAD, PUT',
  }
  for (const [path, allow] of Object.entries(allowed)) {
    const refused = ['PATCH', 'OPTIONS', 'PROPFIND', 'POST', 'PUT', 'DELETE'].filter((each) => !allow.includes(each))
    for (const method of refused) {
      for (const spelling of [path, `${path.replace('account', 'Account')}/`]) {
        const answer = await askVobiz(api, method, spelling, { body: 'x'.repeat(100_000) })
        isRefused(t, answer, 405, /^Method not allowed/, `${method} ${spelling}`)
        t.equal(answer.headers.get('allow'), allow)
      }
    }
    const [get, head] = [await askVobiz(api, 'GET', path, { key }), await askVobiz(api, 'HEAD', path, { key })]
    t.strictSame([head.status, head.text], [200, ''])
    t.equal(head.headers.get('content-length'), String(Buffer.byteLength(get.text)))
  }
}

async function testUnknown(t: Test, api: RunningApi, key: Tenant) {
  const account = `/api/v1/account/${key.authId}`
  const paths = [
    ...['/api/v1/', '/api/v1/account', '/api/v1/Account/', '/api/v1/accounts/x/credentials', account, `${account}/`],
    ...[`/api/v1/ACCOUNT/${key.authId}/credentials`, `${account}/credentials//`, `${account}//credentials`],
    ...[`${account}/trunks`, `${account}/trunks/credentials/x`, `${account}/Credentials`, `${account}/credentials/x/y`],
    ...[`${account}/credentials.json`, `/api/v1/${'x'.repeat(5000)}`],
  ]
  for (const path of paths) isRefused(t, await askVobiz(api, 'GET', path, { key }), 404, /names nothing$/, path)
  for (const id of ['x', 'x'.repeat(5000), '%C3%A9', '..%2F', "'--", '0'.repeat(32)]) {
    const answer = await askVobiz(api, 'GET', `${account}/credentials/${id}`, { key })
    isRefused(t, answer, 404, 'Credential not found', id)
  }
}

async function testBodies(t: Test, api: RunningApi, key: Tenant) {
  const path = credentialsOf(key)
  const send = (body: string | Buffer, headers = {}) => askVobiz(api, 'POST', path, { key, body, headers })
  const latin1 = (text: string) => Buffer.from(text, 'latin1')
  const broken: [string, string | Buffer, RegExp][] = [
    ...['{', '{"username":}', "{'username': 'x'}", '{"username":"x",}', 'username=x', '{}{}', 'NaN', '\u00a0{}'].map(
      (text): [string, string, RegExp] => [text, text, /^The body must be JSON$/],
    ),
    ['a byte order mark', '\ufeff{}', /^The body must be JSON$/],
    ['a line end in a string', '{"username":"a\nb"}', /^The body must be JSON$/],
    ['bytes that are not UTF-8', latin1('{"username":"\xff"}'), /^The body must be UTF-8$/],
    ['half of a character', latin1('{"username":"\xc3"}'), /^The body must be UTF-8$/],
    ['surrogates in UTF-8', latin1('{"username":"\xed\xa0\x80"}'), /^The body must be UTF-8$/],
    ['a name twice', '{"password":"first-one","password":"second-one"}', /^password must not be repeated$/],
    ['a name twice, once escaped', '{"password":"1","\\u0070assword":"2"}', /^password must not be repeated$/],
    ['a name twice within', '{"x":[{"a":1},{"b":{"c":"}","d":"{","c":1}}]}', /^c must not be repeated$/],
    ['a long name twice', `{"${'n'.repeat(99)}":1,"${'n'.repeat(99)}":1}`, /^n{64} must not be repeated$/],
  ]
  for (const [what, body, error] of broken) isRefused(t, await send(body), 400, error, what)
  for (const body of ['[]', '"username"', 'null', 'true', '1', `${'['.repeat(30_000)}${']'.repeat(30_000)}`, '']) {
    isRefused(t, await send(body), 422, 'The body must be a JSON object', body.slice(0, 40))
  }
  const inherited = '{"__proto__":{"username":"eve","password":"securepassword123"},"constructor":1}'
  isRefused(t, await send(inherited), 422, 'username is required', 'what is not its own')
  const nested = '{"username":"bodies","password":"a\\"b\\\\:{}[]","x":{"username":"{","password":[{},{}]}}'
  t.equal((await send(nested)).status, 201, 'one name in different objects is no repetition')

  const own = await furnish(api, key, 'no-body')
  const bare = await fetch(api.url + own, {
    method: 'PUT',
    headers: { 'X-Auth-ID': key.authId, 'X-Auth-Token': key.token },
  })
  t.strictSame([bare.status, await bare.json()], [422, { error: 'The body must be a JSON object', code: 422 }])
}

async function testSizesAndTypes(t: Test, api: RunningApi, key: Tenant) {
  const path = credentialsOf(key)
  const json = JSON.stringify({ username: 'large', password: PASSWORD })
  const fits = await askVobiz(api, 'POST', path, { key, body: json.padEnd(65_536) })
  t.equal(fits.status, 201, '64 KiB are taken')
  isRefused(t, await askVobiz(api, 'POST', path, { key, body: json.padEnd(65_537) }), 413, /64 KiB/, 'one more is not')
  const shown = `Host: x\r\nConnection: close\r\nX-Auth-ID: ${key.authId}\r\nX-Auth-Token: ${key.token}\r\n`
  const chunked = `POST ${path} HTTP/1.1\r\n${shown}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`
  const over = await exchange(api.port, `${chunked}10001\r\n${' '.repeat(65_537)}\r\n0\r\n\r\n`)
  isRefused(t, over, 413, /64 KiB/, 'in chunks')
  const stranger = await askVobiz(api, 'POST', path, { key: { ...key, token: 'wrong' }, body: json.padEnd(65_537) })
  isRefused(t, stranger, 401, /./, 'who may not ask is not read')

  const form = 'application/x-www-form-urlencoded'
  for (const type of [form, 'text/plain', 'text/json', 'application/json5', 'multipart/form-data; boundary=x', 'x']) {
    const answer = await askVobiz(api, 'POST', path, { key, body: json, headers: { 'content-type': type } })
    isRefused(t, answer, 415, 'Content-Type must be application/json', type)
  }
  const untyped = await exchange(api.port, `POST ${path} HTTP/1.1\r\n${shown}Content-Length: 2\r\n\r\n{}`)
  isRefused(t, untyped, 415, 'Content-Type must be application/json', 'none')
  const zipped = await askVobiz(api, 'POST', path, { key, body: json, headers: { 'content-encoding': 'gzip' } })
  isRefused(t, zipped, 415, 'Content-Encoding must be identity', 'compressed')
  const headers = { 'content-type': 'Application/JSON; charset=utf-8' }
  const typed = await askVobiz(api, 'POST', path, { key, headers, json: { username: 'typed', password: PASSWORD } })
  t.equal(typed.status, 201, 'case and parameters of the type do not matter')
  const twilio = await api.ask('POST', `/2010-04-01/Accounts.json`, { form: '{}', headers })
  t.match(twilio, { status: 415, body: { message: 'Content-Type must be application/x-www-form-urlencoded' } })
}

async function testDeletion(t: Test, api: RunningApi, key: Tenant) {
  const shown = `Host: x\r\nConnection: close\r\nX-Auth-ID: ${key.authId}\r\nX-Auth-Token: ${key.token}\r\n`
  const type = 'Content-Type: application/json\r\n'
  const requests = {
    'without a content type': '\r\n',
    'with one and no body': `${type}\r\n`,
    'with one and a length of nothing': `${type}Content-Length: 0\r\n\r\n`,
    'with one and no chunk': `${type}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    'with a body that says nothing': `${type}Content-Length: 2\r\n\r\n{}`,
  }
  for (const [what, rest] of Object.entries(requests)) {
    const own = await furnish(api, key, 'deletion')
    const answer = await exchange(api.port, `DELETE ${own} HTTP/1.1\r\n${shown}${rest}`)
    t.match([answer.status, answer.text, answer.headers.get('content-length')], [204, '', null], what)
  }
}

async function testTargets(t: Test, api: RunningApi, key: Tenant) {
  const path = credentialsOf(key)
  for (const bad of ['%', '%4', '%zz', '%ff', '%00', '%ED%A0%80']) {
    for (const target of [`${path}/${bad}`, `/api/v1/account/${bad}/credentials`, `/api/v1/${bad}`]) {
      isRefused(t, await askVobiz(api, 'GET', target, { key }), 400, /^The path must be percent-encoded/, target)
    }
    const inQuery = await askVobiz(api, 'GET', `${path}?limit=${bad}`, { key })
    isRefused(t, inQuery, 400, /^limit must be percent-encoded UTF-8/, `${bad} in a query`)
  }
  for (const query of ['limit=1&limit=1', 'limit=1&lim%69t=2', 'x&x']) {
    isRefused(t, await askVobiz(api, 'GET', `${path}?${query}`, { key }), 400, /must not be repeated$/, query)
  }
  t.equal((await askVobiz(api, 'GET', `${path}/?unknown=1`, { key })).status, 200, 'unknown ones are ignored')
}

async function testParser(t: Test, api: RunningApi, key: Tenant) {
  const path = `/api/v1/Account/${key.authId}/credentials`
  const shown = `X-Auth-ID: ${key.authId}\r\nX-Auth-Token: ${key.token}\r\n`
  const head = `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${shown}`
  const refused: [what: string, bytes: string, code: number, error: RegExp][] = [
    ['a head that is too long', `${head}X: ${'x'.repeat(20_000)}\r\n\r\n`, 431, /too long$/],
    ['a wrong header', `${head}Bad Name: x\r\n\r\n`, 400, /not valid HTTP/],
    ['a wrong length', `${head}Content-Length: x\r\n\r\n`, 400, /not valid HTTP/],
    ['a bare byte in the path', head.replace('/credentials', '/\xff'), 400, /not valid HTTP/],
    ['no Host', `${head.replace('Host: x\r\n', '')}\r\n`, 400, /^Host is required$/],
    ['an expectation', `${head}Expect: miracles\r\n\r\n`, 417, /^Expect must be 100-continue$/],
    ['a fragment', `${head.replace('/credentials', '/credentials#x')}\r\n`, 400, /fragment/],
  ]
  for (const [what, bytes, code, error] of refused) {
    isRefused(t, await exchange(api.port, bytes), code, error, what)
  }
  const absolute = await exchange(
    api.port,
    `${head.replace(' /', ' http://x/').replace('/credentials', '/credentials/')}\r\n`,
  )
  t.match(absolute, { status: 200, body: { meta: { offset: 0 } } }, 'a target in absolute form is read')
  const elsewhere = await exchange(api.port, `${head.replace(path, '/2010-04-01/x')}Bad Name: x\r\n\r\n`)
  t.match(elsewhere, { status: 400, body: { status: 400, code: 20001 } }, "the other dialect's paths keep its form")
}

/** How this dialect's paths behave as HTTP, whatever their resource. */
export async function testVobizHttp(t: Test, api: RunningApi): Promise<void> {
  const key = await createTenant(api)
  await t.test('a wrong method is answered 405 with the methods of that path', (t) => testMethods(t, api, key))
  await t.test('what is nowhere is answered 404', (t) => testUnknown(t, api, key))
  await t.test('a body that is not one JSON object is refused', (t) => testBodies(t, api, key))
  await t.test('bodies have a size and a type', (t) => testSizesAndTypes(t, api, key))
  await t.test('DELETE works with a content type and no body', (t) => testDeletion(t, api, key))
  await t.test('what is not percent-encoded, or repeated, is answered 400', (t) => testTargets(t, api, key))
  await t.test("what Node's parser refuses is answered in this dialect's form", (t) => testParser(t, api, key))
}
