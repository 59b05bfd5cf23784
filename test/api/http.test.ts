import { once } from 'node:events'
import { connect } from 'node:net'
import t, { type Test } from 'tap'
import { SECURE_HEADERS } from '../../src/secure-headers.js'
import { fillIn } from './every-operation.js'
import { exchange } from './raw-http.js'
import { type Answer, type AskOptions, basic, type RunningApi, startApi } from './running-api.js'

const PASSWORD = 'Correct-Horse-7'
const FORM = 'application/x-www-form-urlencoded'

const api = await startApi(t, 'postgres')
const accounts = '/2010-04-01/Accounts'
const account = `${accounts}/${api.master.sid}`
const lists = `${account}/SIP/CredentialLists`

/** A new list, and a credential in it; their paths without the ending. */
async function furnish(_api: RunningApi, friendlyName: string) {
  const list = await api.provision.credentialLists.create(api.master.sid, {
    friendlyName,
    realm: `${friendlyName}.test`,
  })
  const input = { username: 'ann', password: PASSWORD }
  const credential = await api.provision.credentials.create(api.master.sid, list.sid, input)
  return { list: `${lists}/${list.sid}`, credential: `${lists}/${list.sid}/Credentials/${credential.sid}` }
}

/** Sees that it is an answer in Twilio's form: its body, and what every answer has. */
function isRefused(t: Test, answer: Answer, status: number, code: number, message: RegExp, what: string) {
  const more_info = `https://www.twilio.com/docs/errors/${code}`
  t.match(answer, { status, body: { status, code, more_info, message } }, what)
  t.match(answer.headers.get('content-type'), /^application\/json/, what)
  t.equal(answer.headers.get('cache-control'), 'no-store', what)
  t.equal(answer.headers.get('x-content-type-options'), 'nosniff', what)
}

t.test('a wrong method is answered 405 with the methods of that path', async (t) => {
  const { list, credential } = await furnish(api, 'methods')
  const instance = 'DELETE, GET, HEAD, POST'
  const allowed = {
    [`${accounts}.json`]: 'GET, HEAD, POST',
    [`${account}.json`]: 'GET, HEAD, POST',
    [`${lists}.json`]: 'GET, HEAD, POST',
    [`${list}.json`]: instance,
    [`${list}/Credentials.json`]: 'GET, HEAD, POST',
    [`${credential}.json`]: instance,
  }
  for (const [path, allow] of Object.entries(allowed)) {
    for (const method of ['PUT', 'PATCH', 'OPTIONS', 'PROPFIND', ...(allow === instance ? [] : ['DELETE'])]) {
      const answer = await api.ask(method, path, { form: 'x'.repeat(100_000), key: null })
      isRefused(t, answer, 405, 20004, /Method not allowed/, `${method} ${path}`)
      t.equal(answer.headers.get('allow'), allow)
    }
  }
})

t.test('every route of the table refuses what no request may bring', async (t) => {
  const twilio = api.dialects.find(({ door }) => door === 'twilio')
  const routes = twilio?.routes ?? []
  t.ok(routes.length > 20, 'the table is seen')
  // What is named need not be there: all of this is told before anything is looked for.
  const named = (path: string) => fillIn(path, { AccountSid: api.master.sid })
  for (const path of new Set(routes.map(([, path]) => path))) {
    const methods = routes.filter(([, other]) => other === path).map(([method]) => method)
    const allow = [...methods, ...(methods.includes('GET') ? ['HEAD'] : [])].sort().join(', ')
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].filter((each) => !allow.includes(each))) {
      const answer = await api.ask(method, named(path))
      isRefused(t, answer, 405, 20004, /^Method not allowed/, `${method} ${path}`)
      t.equal(answer.headers.get('allow'), allow)
    }
  }
  for (const [method, path] of routes) {
    const what = `${method} ${path}`
    const target = named(path)
    const ask = (target: string, options: AskOptions = {}) => api.ask(method, target, options)
    isRefused(t, await ask(target, { key: null }), 401, 20003, /^Authenticate$/, `${what} without a token`)
    isRefused(t, await ask(`${target}?a=1&a=1`), 400, 20001, /^a must not be repeated$/, `${what}, a repeat`)
    for (const bad of ['%', '%zz', '%ff', '%00']) {
      isRefused(t, await ask(`${target}?a=${bad}`), 400, 20001, /^a must be percent-encoded/, `${what}?a=${bad}`)
      const inPath = await ask(target.replace(/[^/.]+\.json$/, `${bad}.json`))
      isRefused(t, inPath, 400, 20001, /^The path must be percent-encoded/, `${what}, ${bad} in its path`)
    }
    if (method === 'DELETE') {
      const headers = { 'content-type': 'application/json' }
      isRefused(t, await ask(target, { headers }), 404, 20404, /was not found$/, `${what} with a content type, no body`)
    }
    if (method !== 'POST') continue
    const json = await ask(target, { form: '{}', headers: { 'content-type': 'application/json' } })
    isRefused(t, json, 415, 20415, /^Content-Type must be/, `${what}, JSON`)
    isRefused(t, await ask(target, { form: 'x'.repeat(65_537) }), 413, 20413, /64 KiB/, `${what}, a long body`)
    isRefused(t, await ask(target, { form: 'a=1&a=1' }), 400, 20001, /^a must not be repeated$/, `${what}, a repeat`)
    for (const bad of ['%', '%zz', '%ff', '%00', '\0']) {
      isRefused(
        t,
        await ask(target, { form: `a=${bad}` }),
        400,
        20001,
        /^a must be percent-encoded/,
        `${what}, ${encodeURI(bad)}`,
      )
    }
  }
})

t.test('HEAD is answered as GET is, without a body', async (t) => {
  const get = await api.ask('GET', `${account}.json`)
  const head = await api.ask('HEAD', `${account}.json`)
  t.match(head, { status: 200, text: '' })
  t.equal(head.headers.get('content-length'), String(Buffer.byteLength(get.text)))
  t.equal((await api.ask('HEAD', `${account}.json`, { key: null })).status, 401)
})

t.test('what is nowhere is answered 404 with the path, without its query', async (t) => {
  const paths = [
    '/',
    '/2010-04-01',
    account,
    `${account}.json/`,
    `${account}.xml`,
    `${account}/SIP/Trunks.json`,
    '/2010-04-01/accounts.json',
    `${accounts}/%2E%2E/x.json`,
    `${lists}/${'x'.repeat(5000)}.json`,
    `${lists}/CL${'F'.repeat(32)}.json`,
    `${lists}/${'%C3%A9'.repeat(20)}.json`,
  ]
  for (const path of paths) {
    const answer = await api.ask('GET', `${path}?secret=1`)
    isRefused(t, answer, 404, 20404, /^The requested resource \/\S* was not found$/, path.slice(0, 80))
    t.equal(answer.body.message, `The requested resource ${new URL(path, api.url).pathname} was not found`)
  }
  const posted = await api.ask('POST', '/nowhere', { form: '{', headers: { 'content-type': 'application/json' } })
  isRefused(t, posted, 404, 20404, /nowhere/, 'whatever its body')
})

t.test('a body over 64 KiB is answered 413, one of 64 KiB is read', async (t) => {
  const path = `${lists}.json`
  const rest = 64 * 1024 - 'FriendlyName=big&x='.length
  const fits = await api.ask('POST', path, { form: `FriendlyName=big&x=${'y'.repeat(rest)}` })
  t.equal(fits.status, 201)
  const over = await api.ask('POST', path, { form: `FriendlyName=big&x=${'y'.repeat(rest + 1)}` })
  isRefused(t, over, 413, 20413, /64 KiB/, 'with Content-Length')
  const head = `POST ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: ${basic(api.master)}\r\nContent-Type: ${FORM}\r\n`
  const chunked = `${head}Transfer-Encoding: chunked\r\n\r\n10001\r\n${'y'.repeat(65_537)}\r\n0\r\n\r\n`
  isRefused(t, await exchange(api.port, chunked), 413, 20413, /64 KiB/, 'in chunks')
})

t.test('a form in another content type is answered 415', async (t) => {
  const json = JSON.stringify({ FriendlyName: 'json' })
  for (const type of ['application/json', 'text/plain', 'multipart/form-data; boundary=x', 'nonsense', 'a/b/c']) {
    const answer = await api.ask('POST', `${lists}.json`, { form: json, headers: { 'content-type': type } })
    isRefused(t, answer, 415, 20415, /^Content-Type must be application\/x-www-form-urlencoded$/, type)
  }
  const untyped = `POST ${lists}.json HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: ${basic(api.master)}\r\nContent-Length: 1\r\n\r\nx`
  isRefused(t, await exchange(api.port, untyped), 415, 20415, /^Content-Type must be/, 'none')
  const zipped = await api.ask('POST', `${lists}.json`, { form: 'x', headers: { 'content-encoding': 'gzip' } })
  isRefused(t, zipped, 415, 20415, /^Content-Encoding must be identity$/, 'compressed')
  const plain = await api.ask('POST', `${lists}.json`, { form: 'x', headers: { 'content-encoding': 'Identity' } })
  isRefused(t, plain, 400, 21240, /^FriendlyName is required$/, 'as it is, in other letters')
  const form = { FriendlyName: 'typed' }
  const headers = { 'content-type': `${FORM}; charset=UTF-8` }
  t.equal(
    (await api.ask('POST', `${lists}.json`, { form, headers })).status,
    201,
    'parameters of the type do not matter',
  )
  t.equal((await api.ask('GET', `${lists}.json`, { headers: { 'content-type': 'application/json' } })).status, 200)
})

t.test('a repeated parameter is answered 400 with its name', async (t) => {
  const repeats = [
    await api.ask('POST', `${lists}.json`, { form: 'FriendlyName=a&FriendlyName=b' }),
    await api.ask('POST', `${lists}.json`, { form: 'FriendlyName=a&Friendly%4Eame=a' }),
    await api.ask('POST', `${lists}.json?FriendlyName=a&FriendlyName=b`, { form: { FriendlyName: 'c' } }),
    await api.ask('GET', `${accounts}.json?FriendlyName=a&FriendlyName=b`),
    await api.ask('GET', `${account}.json?FriendlyName&FriendlyName`),
  ]
  for (const answer of repeats) isRefused(t, answer, 400, 20001, /^FriendlyName must not be repeated$/, answer.text)
  const one = await api.ask('POST', `${lists}.json?FriendlyName=query&x`, { form: '&FriendlyName=form&&Other=1&' })
  t.match(one, { status: 201, body: { friendly_name: 'form' } }, 'unknown ones are ignored, query and form kept apart')
})

t.test('text that is not percent-encoded UTF-8, or holds NUL, is answered 400', async (t) => {
  for (const bad of ['%', '%4', '%zz', '%ff', '%C3', '%ED%A0%80', '%00', '%C0%80']) {
    const inPath = await api.ask('GET', `${lists}/${bad}.json`)
    isRefused(t, inPath, 400, 20001, /^The path must be percent-encoded UTF-8/, `${bad} in a path`)
    const unknown = await api.ask('GET', `/nowhere/${bad}`)
    isRefused(t, unknown, 400, 20001, /^The path must be percent-encoded UTF-8/, `${bad} in a path of no route`)
    const inQuery = await api.ask('GET', `${accounts}.json?FriendlyName=${bad}`)
    isRefused(t, inQuery, 400, 20001, /^FriendlyName must be percent-encoded UTF-8/, `${bad} in a query`)
    const inForm = await api.ask('POST', `${lists}.json`, { form: `FriendlyName=${bad}` })
    isRefused(t, inForm, 400, 20001, /^FriendlyName must be percent-encoded UTF-8/, `${bad} in a form`)
    const inName = await api.ask('POST', `${lists}.json`, { form: `${bad}=x` })
    isRefused(t, inName, 400, 20001, /^A parameter name must be percent-encoded UTF-8/, `${bad} in a name`)
  }
  const bytes = await api.ask('POST', `${lists}.json`, { form: Buffer.from('FriendlyName=\xff', 'latin1') })
  isRefused(t, bytes, 400, 20001, /^FriendlyName must be/, 'a bare byte in a form')
  const head = (query: string) => `GET ${accounts}.json${query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n`
  const bare = await exchange(api.port, `${head('?FriendlyName=\xff')}Authorization: ${basic(api.master)}\r\n\r\n`)
  isRefused(t, bare, 400, 20001, /not valid HTTP/, 'a bare byte in a query')
  const inTarget = await exchange(api.port, `${head('/\xff')}\r\n`)
  isRefused(t, inTarget, 400, 20001, /not valid HTTP/, 'a bare byte in a path')
  const plain = await api.ask('POST', `${lists}.json`, { form: Buffer.from('FriendlyName=Küche+%2B+Büro') })
  t.match(plain, { status: 201, body: { friendly_name: 'Küche + Büro' } }, 'bare UTF-8 is read')
})

t.test('DELETE with a content type and no body works', async (t) => {
  const { list, credential } = await furnish(api, 'deletions')
  const json = { 'content-type': 'application/json' }
  const gone = await api.ask('DELETE', `${credential}.json`, { headers: json })
  t.match(gone, { status: 204, text: '' })
  t.equal(gone.headers.get('content-length'), null)
  t.equal((await api.ask('DELETE', `${list}.json`, { form: '', headers: json })).status, 204, 'and with an empty one')
  isRefused(t, await api.ask('DELETE', `${list}.json`), 404, 20404, /was not found$/, 'and only once')
})

t.test('DELETE has no body either where its length is zero in another way', async (t) => {
  const { list, credential } = await furnish(api, 'emptinesses')
  const head = (path: string) =>
    `DELETE ${path}.json HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: ${basic(api.master)}\r\nContent-Type: application/json\r\n`
  const chunked = (body: string) => `Transfer-Encoding: chunked\r\n\r\n${body}0\r\n\r\n`
  const full = await exchange(api.port, head(credential) + chunked('2\r\n{}\r\n'))
  isRefused(t, full, 415, 20415, /^Content-Type must be/, 'a body of another type')
  t.equal((await exchange(api.port, head(credential) + chunked(''))).status, 204, 'in chunks')
  t.equal((await exchange(api.port, `${head(list)}Content-Length: 00\r\n\r\n`)).status, 204, 'two noughts')
})

t.test('a field that there is once is refused where it stands twice', async (t) => {
  const head = `POST ${lists}.json HTTP/1.1\r\nConnection: close\r\nContent-Length: 0\r\n`
  const fields = {
    Host: ['x', 'y'],
    Authorization: [basic(api.master), basic({ sid: api.master.sid, token: 'x' })],
    'Content-Type': [FORM, 'application/json'],
    'X-Auth-ID': ['a', 'a'],
    'X-Auth-Token': ['a', 'b'],
  }
  for (const [name, values] of Object.entries(fields)) {
    const once = Object.entries(fields).filter(([other]) => other !== name && !other.startsWith('X-'))
    const lines = [
      ...once.map(([other, [value]]) => [other, value]),
      ...values.map((value) => [name.toLowerCase(), value]),
    ]
    const bytes = `${head}${lines.map(([field, value]) => `${field}: ${value}\r\n`).join('')}\r\n`
    isRefused(t, await exchange(api.port, bytes), 400, 20001, new RegExp(`^${name} must not be repeated$`), name)
  }
})

t.test('an update with a form content type and an empty body works', async (t) => {
  const { list, credential } = await furnish(api, 'updates')
  for (const path of [`${list}.json`, `${credential}.json`, `${account}.json`]) {
    t.equal((await api.ask('POST', path, { form: '' })).status, 200, path)
    t.equal((await api.ask('POST', path)).status, 200, `${path} without a content type`)
  }
})

t.test("what Node's parser refuses is answered in Twilio's form too", async (t) => {
  const head = `GET ${account}.json HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: ${basic(api.master)}\r\n`
  const overflow = await exchange(api.port, `${head}X: ${'x'.repeat(20_000)}\r\n\r\n`)
  isRefused(t, overflow, 431, 20431, /too long$/, 'a head that is too long')
  isRefused(t, await exchange(api.port, 'nonsense\r\n\r\n'), 400, 20001, /not valid HTTP/, 'no HTTP at all')
  isRefused(t, await exchange(api.port, `${head}Bad Name: x\r\n\r\n`), 400, 20001, /not valid HTTP/, 'a wrong header')
  isRefused(
    t,
    await exchange(api.port, `${head}Content-Length: x\r\n\r\n`),
    400,
    20001,
    /not valid HTTP/,
    'a wrong length',
  )
  const hostless = await exchange(api.port, head.replace('Host: x\r\n', '').concat('\r\n'))
  isRefused(t, hostless, 400, 20001, /^Host is required$/, 'no Host')
  const expecting = await exchange(api.port, `${head}Expect: miracles\r\n\r\n`)
  isRefused(t, expecting, 417, 20417, /^Expect must be 100-continue$/, 'an expectation')
  const tunnel = await exchange(api.port, 'CONNECT x:443 HTTP/1.1\r\nHost: x:443\r\n\r\n')
  isRefused(t, tunnel, 405, 20004, /^Method not allowed/, 'a tunnel')
  t.equal(tunnel.headers.get('allow'), '')
  const resets = Array.from({ length: 20 }, async () => {
    const socket = connect(api.port, '127.0.0.1')
    await once(socket, 'connect')
    socket.write('CONNECT x:443 HTTP/1.1\r\nHost: x:443\r\n\r\n')
    setImmediate(() => socket.resetAndDestroy())
    await once(socket, 'close')
  })
  await Promise.all(resets)
  t.equal((await api.ask('GET', `${account}.json`)).status, 200, 'whoever breaks off breaks nothing')
  const fragment = await exchange(api.port, head.replace('.json', '.json#x').concat('\r\n'))
  isRefused(t, fragment, 400, 20001, /fragment/, 'a fragment')
  const absolute = await exchange(api.port, head.replace(' /', ' http://x/').concat('\r\n'))
  t.match(absolute, { status: 200, body: { sid: api.master.sid } }, 'a target in absolute form is read')
})

t.test('every answer tells caches and browsers to leave it alone, and has an id of its own', async (t) => {
  const start = api.logged.length
  const get = (target: string, field = '') => `GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${field}\r\n`
  const answers = {
    'a success': await api.ask('GET', `${account}.json`),
    'no content': await api.ask('DELETE', `${(await furnish(api, 'headers')).credential}.json`),
    'a refusal': await api.ask('GET', `${account}.json`, { key: null }),
    'a path of no route': await api.ask('GET', '/nowhere'),
    "Vobiz's dialect": await api.ask('GET', '/api/v1/account/MA_/credentials'),
    'a path that no router can read': await exchange(api.port, get('/%zz')),
    "Node's expectation": await exchange(api.port, get(`${account}.json`, 'Expect: miracles\r\n')),
    "Node's parser": await exchange(api.port, 'nonsense\r\n\r\n'),
  }
  for (const [what, { headers }] of Object.entries(answers)) {
    for (const [name, value] of Object.entries(SECURE_HEADERS)) t.equal(headers.get(name), value, `${what}: ${name}`)
    t.equal(headers.get('strict-transport-security'), null, `${what}: this is plain HTTP`)
    t.equal(headers.get('x-powered-by'), null)
  }
  const ids = Object.values(answers).map(({ headers }) => headers.get('x-request-id') ?? '')
  t.equal(new Set(ids).size, ids.length)
  const logged = api.logged.slice(start).map((line) => JSON.parse(line).requestId)
  for (const id of ids) {
    t.match(id, /^RQ[0-9a-f]{32}$/)
    t.ok(logged.includes(id), 'the log has it')
  }
})
