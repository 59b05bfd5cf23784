import t from 'tap'
import { SECURE_HEADERS } from '../../src/secure-headers.js'
import { answer, REALM, URI } from '../auth/phone.js'
import { ask } from '../fixtures/http.js'
import { startSipauthd } from '../fixtures/sipauthd.js'
import { createTenant, KNOWN_TOKENS, MASTER, PASSWORD } from '../fixtures/tenant.js'
import { BEARER, createProxy, readChallenge, type VerifyAnswer } from './proxy.js'

const server = await startSipauthd(t, {
  env: { ...KNOWN_TOKENS, QOP: 'auth,auth-int', ALGORITHMS: 'MD5,SHA-256', THROTTLE_USER_FAILURES: '3' },
})
const tenant = await createTenant(server.api, REALM)
const credentialSid = await tenant.add('alice')
await tenant.add('+15550100')
await tenant.add('a&b=c%41')
const proxy = createProxy(server.auth, REALM)

t.test('a first request is challenged: status 401, one line of JSON, hdr ready to be appended', async (t) => {
  const { status, headers, text, json } = await proxy.verify()
  t.equal(status, 401)
  t.match(headers['content-type'], /^application\/json/)
  t.notMatch(text, /\n/)
  t.same(Object.keys(json as object), ['status', 'reason', 'headers', 'hdr'])
  const verdict = json as VerifyAnswer
  t.match(verdict, { status: 401, reason: 'no_credentials' })
  t.equal(verdict.headers.length, 2)
  t.match(
    verdict.headers[0],
    /^WWW-Authenticate: Digest realm="example\.com", nonce="[\w-]{44}", algorithm=MD5, qop="auth,auth-int"$/,
  )
  t.match(verdict.headers[1], /algorithm=SHA-256/)
  t.equal(verdict.hdr, verdict.headers.map((line) => `${line}\r\n`).join(''))
})

t.test('a right answer is 200 and says whose credential it is', async (t) => {
  const { status, headers, text, json } = await proxy.attempt()
  t.equal(status, 200)
  t.notMatch(text, /\n/)
  t.same(json, {
    status: 200,
    reason: 'ok',
    headers: [],
    hdr: '',
    username: 'alice',
    realm: REALM,
    account_sid: MASTER.sid,
    credential_list_sid: tenant.listSid,
    credential_sid: credentialSid,
  })
  t.equal(Number(headers['content-length']), text.length)
})

t.test('JSON is understood as a form is', async (t) => {
  const challenge = await proxy.challenge()
  const fields = { method: 'REGISTER', realm: REALM, uri: URI, identity: 'alice', proxy: null, user_agent: 'x' }
  const authorization = answer(challenge)
  t.match(await proxy.ask('/v1/verify', { json: { ...fields, authorization: [authorization] } }), { status: 200 })
  t.match(await proxy.ask('/v1/verify', { json: { ...fields, authorization, proxy: 1 } }), { status: 407 })
  t.match(await proxy.ask('/v1/verify', { json: { ...fields, authorization: null, proxy: true } }), { status: 407 })
  const two = ['Basic eDp5', answer(challenge, { nc: '00000002' })]
  t.match(await proxy.ask('/v1/verify', { json: { ...fields, authorization: two } }), { status: 200 })
})

t.test('a proxy is told 407 and Proxy-Authenticate', async (t) => {
  const { status, json } = await proxy.verify({ proxy: '1' })
  t.equal(status, 407)
  t.match(json, { status: 407, headers: [/^Proxy-Authenticate: Digest /, /^Proxy-Authenticate: Digest /] })
  t.match(await proxy.verify({ proxy: '0' }), { status: 401 })
  t.match(await proxy.verify({ proxy: 'yes' }), { status: 400, json: { reason: 'malformed', detail: /proxy/ } })
})

t.test('as text the body is the header lines alone, each ended by CRLF', async (t) => {
  const accept = { ...BEARER, accept: 'text/plain' }
  const form = { method: 'REGISTER', realm: REALM }
  for (const got of [
    await proxy.verify({}, '?format=text'),
    await proxy.ask('/v1/verify', { form, headers: accept }),
    await proxy.ask('/v1/verify?format=text', { form, headers: { ...BEARER, accept: 'application/json' } }),
  ]) {
    t.equal(got.status, 401)
    t.match(got.headers['content-type'], /^text\/plain/)
    t.match(got.text, /^(WWW-Authenticate: Digest [^\r\n]+\r\n){2}$/)
  }
  const json = await proxy.ask('/v1/verify?format=json', { form, headers: accept })
  t.match(json.json, { status: 401 }, 'the query comes before Accept')
  const ok = await proxy.attempt({}, {}, '?format=text')
  t.match(ok, { status: 200, text: '' })
  t.match(await proxy.verify({ method: '' }, '?format=text'), { status: 400, text: '' })
})

t.test('with http=200 the verdict is in status alone', async (t) => {
  t.match(await proxy.verify({ proxy: '1' }, '?http=200'), { status: 200, json: { status: 407 } })
  t.match(await proxy.verify({ method: '' }, '?http=200'), { status: 200, json: { status: 400 } })
  t.match(await proxy.ask('/v1/verify?http=200', { ...FORM, body: 'method=%zz' }), {
    status: 200,
    json: { status: 400 },
  })
  t.match(await proxy.verify({}, '?http=200&format=text'), { status: 200, text: /^WWW-Authenticate/ })
})

const FORM = { headers: { ...BEARER, 'content-type': 'application/x-www-form-urlencoded' } }

t.test('a query that is not understood is refused before the check, so that no nonce count is spent', async (t) => {
  const form = { authorization: answer(await proxy.challenge()), uri: URI }
  for (const query of ['?format=xml', '?http=201', '?format=text&format=json', '?format=%zz']) {
    t.match(await proxy.verify(form, query), { status: 400 }, query)
  }
  t.match(await proxy.verify(form), { status: 200 })
})

t.test('only the token opens the door, as a Bearer or as the password of any Basic user', async (t) => {
  const token = KNOWN_TOKENS.PROXY_TOKEN
  const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`
  const form = { method: 'REGISTER', realm: REALM }
  for (const authorization of [`Bearer ${token}`, `bearer ${token}`, basic(`kamailio:${token}`), basic(`:${token}`)]) {
    t.match(await ask(`${server.auth}/v1/verify`, { form, headers: { authorization } }), { json: { status: 401 } })
  }
  const wrong = [
    '',
    'Bearer',
    `Bearer ${token}x`,
    `Bearer ${token.slice(1)}`,
    `Bearer ${token} ${token}`,
    basic(token),
    basic(`${token}:`),
    basic(`x:y:${token}`),
    `Digest ${token}`,
    `Bearer ${MASTER.token}`,
  ]
  for (const authorization of wrong) {
    for (const query of ['', '?format=text', '?http=200']) {
      const got = await ask(`${server.auth}/v1/verify${query}`, { form, headers: { authorization } })
      t.equal(got.status, 401, authorization)
      t.notOk('status' in (got.json as object), 'no status')
      t.notMatch(got.text, /Authenticate:/, 'no header lines')
      t.notOk('headers' in (got.json as object))
    }
  }
})

t.test('every refusal names the field and the rule', async (t) => {
  const malformed = (detail: RegExp) => ({ status: 400, json: { status: 400, reason: 'malformed', detail, hdr: '' } })
  t.match(await proxy.verify({ method: '' }), malformed(/^method must be given/))
  t.match(await proxy.verify({ realm: '' }), malformed(/^realm must be given/))
  t.match(await proxy.verify({ realm: 'a"b' }), malformed(/^realm must/))
  t.match(await proxy.verify({ authorization: 'Digest x' }), malformed(/^Authorization: /))
  t.match(await proxy.ask('/v1/verify', { method: 'POST' }), malformed(/^method must be given/))
  for (const name of ['method', 'realm', 'domain', 'uri', 'body', 'proxy', 'identity', 'source_ip', 'call_id']) {
    const pairs = [
      ['method', 'REGISTER'],
      ['realm', REALM],
      [name, 'x'],
      [name, 'x'],
    ] as const
    t.match(
      await proxy.ask('/v1/verify', { form: pairs }),
      malformed(new RegExp(`^${name} must not be repeated`)),
      name,
    )
    const json = { method: 'REGISTER', realm: REALM, [name]: ['x', 'x'] }
    t.match(await proxy.ask('/v1/verify', { json }), malformed(new RegExp(`^${name} must not be repeated`)), name)
  }
})

t.test('percent-encoding is read strictly, and only once', async (t) => {
  for (const body of ['method=%zz', 'method=%', 'method=%4', 'method=REGISTER&realm=%u0041']) {
    const got = await proxy.ask('/v1/verify', { ...FORM, body })
    t.match(got, { status: 400, json: { reason: 'malformed', detail: /percent/ } }, body)
  }
  t.match(await proxy.attempt({ username: 'a&b=c%41' }), { status: 200 })
  t.match(await proxy.attempt({ username: '+15550100' }), { status: 200 })
  const plus = await proxy.ask('/v1/verify', { ...FORM, body: 'method=REGISTER&realm=a+b' })
  t.match(plus.json, { headers: [/realm="a b"/] }, 'in a form a plus is a blank')
})

t.test('JSON that is none, or is no object of strings, or has a name twice, is malformed', async (t) => {
  const headers = { ...BEARER, 'content-type': 'application/json' }
  const bodies: readonly (readonly [string, RegExp])[] = [
    ['', /method|JSON/],
    ['{', /JSON/],
    ['[]', /object/],
    ['"x"', /object/],
    ['null', /object/],
    ['{"method":{}}', /method must be a string/],
    ['{"method":[["REGISTER"]]}', /method must be a string/],
    ['{"method":"REGISTER","realm":"a.example","method":"INVITE"}', /method must not be repeated/],
    ['{"method":"REGISTER","realm":"a.example","\\u006dethod":"INVITE"}', /method must not be repeated/],
    ['{"authorization":"x","realm":"a","method":"R","authorization":"y"}', /authorization must not be repeated/],
  ]
  for (const [body, detail] of bodies) {
    const got = await proxy.ask('/v1/verify', { body, headers })
    t.match(got, { status: 400, json: { status: 400, reason: 'malformed', detail } }, body)
  }
  const nested = '{"method":"REGISTER","realm":"a.example","call_id":"\\"method\\":","user_agent":["{\\"realm\\":"]}'
  t.match(
    await proxy.ask('/v1/verify', { body: nested, headers }),
    { status: 401 },
    'what stands in a value is no name',
  )
})

t.test('the body of auth-int is taken byte for byte, UTF-8 or not', async (t) => {
  const body = Uint8Array.from([0xff, 0xfe, 0x00, 0x0d, 0x0a, 0x80, 0x2b, 0x25])
  const encoded = [...body].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
  const authorization = answer(await proxy.challenge(), { qop: 'auth-int', body })
  const rest = `method=REGISTER&realm=${REALM}&authorization=${encodeURIComponent(authorization)}`
  t.match(await proxy.ask('/v1/verify', { ...FORM, body: `${rest}&body=%ff` }), { json: { reason: 'bad_response' } })
  t.match(await proxy.ask('/v1/verify', { ...FORM, body: `${rest}&body=${encoded}` }), { status: 200 })
  const text = 'Grüße, 世界 & mehr+\r\n'
  const json = async (body: string) => ({
    method: 'REGISTER',
    realm: REALM,
    authorization: answer(await proxy.challenge(), { qop: 'auth-int', body: text }),
    body,
  })
  t.match(await proxy.ask('/v1/verify', { json: await json(text) }), { status: 200 }, 'JSON holds UTF-8')
  t.match(await proxy.ask('/v1/verify', { form: await json(text) }), { status: 200 })
})

t.test('wrong, stale, replayed and refused requests have their statuses', async (t) => {
  t.match(await proxy.attempt({ password: 'wrong' }), { status: 401, json: { reason: 'bad_response' } })
  t.match(await proxy.attempt({ username: 'nobody' }), { status: 401, json: { reason: 'unknown_user' } })
  t.match(await proxy.attempt({ algorithm: 'SHA-512-256' }), { status: 401, json: { reason: 'unsupported' } })
  t.match(await proxy.attempt({ qop: 'none' }), { status: 401, json: { reason: 'unsupported' } })
  t.match(await proxy.attempt({}, { identity: 'bob' }), { status: 403, json: { reason: 'identity_mismatch' } })
  t.match(await proxy.attempt({}, { uri: 'sip:b.example' }), { status: 400, json: { reason: 'uri_mismatch' } })
  t.match(await proxy.verify({ authorization: '<null>' }), { status: 401, json: { reason: 'no_credentials' } })

  const authorization = answer(await proxy.challenge())
  t.match(await proxy.verify({ authorization }), { status: 200 })
  const replayed = await proxy.verify({ authorization })
  t.match(replayed, { status: 401, json: { reason: 'replayed_nonce', headers: [/stale=true/, /stale=true/] } })
  t.match(await proxy.verify({ authorization: answer(readChallenge(replayed.json)) }), { status: 200 })
})

t.test('the domain decides the realm where none is given', async (t) => {
  const form = { method: 'INVITE', domain: 'PBX.Example' }
  const { json } = await proxy.ask('/v1/verify', { form })
  t.match(json, { status: 401, headers: [/realm="pbx\.example"/, /realm="pbx\.example"/] })
})

t.test('a throttled request is HTTP 429 with Retry-After, for a proxy to answer 503', async (t) => {
  const source = { source_ip: '192.0.2.9' }
  for (let time = 0; time < 3; time++) await proxy.attempt({ password: 'wrong' }, source)
  const { status, headers, json } = await proxy.attempt({}, source)
  t.equal(status, 429)
  const seconds = Number(headers['retry-after'])
  t.ok(seconds > 0 && seconds <= 60)
  const line = `Retry-After: ${seconds}`
  t.same(json, { status: 503, reason: 'throttled', headers: [line], hdr: `${line}\r\n` })
  t.match(await proxy.attempt({}, source, '?http=200'), { status: 200, json: { status: 503, reason: 'throttled' } })
  t.match(await proxy.attempt({}, { source_ip: '192.0.2.10' }), { status: 200 })
  t.match(await proxy.attempt(), { status: 200 }, 'without a source nothing is throttled')
})

t.test('a body of another type is 415, one over 64 KiB 413, neither with a status of its own', async (t) => {
  const sizes = { ...FORM, body: `method=REGISTER&realm=${REALM}&user_agent=${'x'.repeat(65_536)}` }
  t.match(await proxy.ask('/v1/verify', sizes), { status: 413, json: { status: undefined, error: /large/ } })
  for (const type of ['text/plain', 'multipart/form-data', 'application/xml', 'nonsense']) {
    const got = await proxy.ask('/v1/verify', { body: 'method=REGISTER', headers: { ...BEARER, 'content-type': type } })
    t.match(got, { status: 415, json: { status: undefined } }, type)
  }
  const charset = { ...BEARER, 'content-type': 'application/x-www-form-urlencoded; charset=UTF-8' }
  t.match(await proxy.ask('/v1/verify', { body: `method=REGISTER&realm=${REALM}`, headers: charset }), { status: 401 })
})

t.test('every answer has an id, and whatever a browser could ask for is kept, framed and run by none', async (t) => {
  const verified = await proxy.verify()
  const answers = [verified, await proxy.verify(), await proxy.ask('/v1/verify', { body: '{' })]
  for (const path of ['/healthz', '/metrics', '/nowhere', '/v1/ha1']) {
    const answer = await proxy.ask(path)
    t.match(answer.headers, SECURE_HEADERS, path)
    answers.push(answer)
  }
  const ids = answers.map(({ headers }) => headers['x-request-id'] ?? '')
  for (const id of ids) t.match(id, /^RQ[0-9a-f]{32}$/)
  t.equal(new Set(ids).size, answers.length)
  t.notMatch(verified.headers, { 'content-security-policy': /./ }, 'a verdict is for proxies alone')
})

t.test('a wrong method is 405 with Allow, whatever it brings, and an unknown path 404', async (t) => {
  const paths = { '/v1/verify': 'POST', '/v1/ha1': 'GET', '/healthz': 'GET', '/readyz': 'GET', '/metrics': 'GET' }
  for (const [path, allow] of Object.entries(paths)) {
    for (const method of ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
      if (method === allow) continue
      const body = method === 'GET' ? {} : { body: '{', headers: { ...BEARER, 'content-type': 'application/xml' } }
      const got = await proxy.ask(`${path}?x=1`, { method, ...body })
      t.equal(got.status, 405, `${method} ${path}`)
      t.equal(got.headers.allow, allow)
    }
  }
  for (const path of ['/', '/v1', '/v1/verify/', '/V1/verify', '/v1/%76erify/x', '/toString', '/v1/verify%00']) {
    t.match(await proxy.ask(path, { form: { method: 'REGISTER' } }), { status: 404 }, path)
  }
})

t.test('a changed password and a deleted credential count for the next check', async (t) => {
  const sid = await tenant.add('bob')
  t.match(await proxy.attempt({ username: 'bob' }), { status: 200 })
  const path = `SIP/CredentialLists/${tenant.listSid}/Credentials/${sid}.json`
  t.match(await tenant.request(path, { Password: 'Another-Horse-43' }), { status: 200 })
  t.match(await proxy.attempt({ username: 'bob', password: PASSWORD }), { status: 401 })
  t.match(await proxy.attempt({ username: 'bob', password: 'Another-Horse-43' }), { status: 200 })
  t.match(await tenant.request(path, undefined, 'DELETE'), { status: 204 })
  const gone = await proxy.attempt({ username: 'bob', password: 'Another-Horse-43' })
  t.match(gone, { status: 401, json: { reason: 'unknown_user' } })
})
