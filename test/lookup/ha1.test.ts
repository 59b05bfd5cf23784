import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { computeHa1 } from '../../src/digest/ha1.js'
import { REALM } from '../auth/phone.js'
import { ask } from '../fixtures/http.js'
import { startPostgres } from '../fixtures/postgres.js'
import { type Sipauthd, startSipauthd } from '../fixtures/sipauthd.js'
import { createTenant, KNOWN_TOKENS, PASSWORD } from '../fixtures/tenant.js'
import { BEARER } from './proxy.js'

const HA1_TOKEN = 'ha1-token-for-tests'
const postgres = await startPostgres(t)
const ENV = { ...KNOWN_TOKENS, HA1_TOKEN, DATABASE_URL: await postgres.createDatabase() }
const HEADERS = { authorization: `Bearer ${HA1_TOKEN}` }

let server: Sipauthd = await startSipauthd(t, { env: ENV })
const tenant = await createTenant(server.api, REALM)
await tenant.add('alice')
await tenant.add('+15550100')
await tenant.add('50%&more')

const find = (query: string, headers: Readonly<Record<string, string>> = HEADERS) =>
  ask(`${server.auth}/v1/ha1?${query}`, { headers })

t.test('the HA1 is the whole body, in lower-case hex, at each algorithm', async (t) => {
  for (const algorithm of ['MD5', 'SHA-256', 'SHA-512-256'] as const) {
    const got = await find(`realm=${REALM}&username=alice&algorithm=${algorithm}`)
    t.equal(got.status, 200)
    t.equal(got.text, computeHa1(algorithm, 'alice', REALM, PASSWORD))
    t.match(got.headers['content-type'], /^text\/plain/)
    t.equal(Number(got.headers['content-length']), got.text.length)
    t.equal(got.headers['cache-control'], 'no-store')
  }
  const plain = await find(`realm=EXAMPLE.com&username=alice`)
  t.equal(plain.text, computeHa1('MD5', 'alice', REALM, PASSWORD), 'MD5 where none is named, the realm in any case')
  const whole = await find(`realm=${REALM}&username=alice%40${REALM}`)
  t.equal(whole.text, computeHa1('MD5', `alice@${REALM}`, REALM, PASSWORD), 'for user@realm too')
})

t.test('parameters are percent-decoded once, and a plus is a plus', async (t) => {
  for (const username of ['+15550100', '%2B15550100', '%2b1555%30100']) {
    t.equal((await find(`realm=${REALM}&username=${username}`)).text, computeHa1('MD5', '+15550100', REALM, PASSWORD))
  }
  const odd = await find(`username=50%25%26more&realm=${REALM}`)
  t.equal(odd.text, computeHa1('MD5', '50%&more', REALM, PASSWORD))
})

t.test('nothing but a found HA1 has a body, which a careless proxy would take for one', async (t) => {
  const empty = (status: number) => ({ status, text: '', headers: { 'content-length': '0' } })
  const fault = (text: RegExp) => ({ ...empty(400), headers: { 'content-length': '0', 'x-fault': text } })
  t.match(await find(`realm=${REALM}&username=nobody`), empty(404))
  t.match(await find('realm=other.example&username=alice'), empty(404))
  t.match(await find(`realm=${REALM}&username=al%0d%0aice`), empty(404))
  t.match(await find(`username=alice`), fault(/^realm must be given/))
  t.match(await find(`realm=${REALM}&username=`), fault(/^username must be given/))
  t.match(await find(`realm=${REALM}&username=alice&realm=x.example`), fault(/^realm must not be repeated/))
  t.match(await find(`realm=${REALM}&username=alice&username=bob`), fault(/^username must not be repeated/))
  t.match(await find(`realm=${REALM}&username=50%&x`), fault(/percent/))
  t.match(await find(`realm=${REALM}&username=alice&algorithm=md5`), fault(/^algorithm must be one of/))
  t.match(await find(`realm=${REALM}&username=alice&algorithm=toString`), fault(/^algorithm/))
  t.match(await find(`realm=${REALM}&username=alice&decoy=yes`), fault(/^decoy/))
  t.match(await find(`realm=${REALM}&username=alice`, {}), empty(401))
  t.match(await ask(`${server.auth}/v1/ha1`, { headers: HEADERS, form: { realm: REALM } }), empty(405))
})

t.test('where HA1_TOKEN is set, only it opens this door, and no other', async (t) => {
  const query = `realm=${REALM}&username=alice`
  const basic = (token: string) => ({ authorization: `Basic ${Buffer.from(`proxy:${token}`).toString('base64')}` })
  t.match(await find(query, basic(HA1_TOKEN)), { status: 200 })
  t.match(await find(query, BEARER), { status: 401, text: '' })
  t.match(await find(query, basic(KNOWN_TOKENS.PROXY_TOKEN)), { status: 401, text: '' })
  const form = { method: 'REGISTER', realm: REALM }
  t.match(await ask(`${server.auth}/v1/verify`, { form, headers: HEADERS }), { status: 401 })
})

t.test('an account that is suspended has no HA1s: 403, decoy or not', async (t) => {
  const account = await ask(`${server.api}/2010-04-01/Accounts.json`, {
    headers: masterHeaders(),
    form: { FriendlyName: 'a tenant' },
  })
  const { sid, auth_token: token } = account.json as { sid: string; auth_token: string }
  const other = await createTenant(server.api, 'suspended.example', { sid, token })
  await other.add('alice')
  const query = 'realm=suspended.example&username=alice'
  t.match(await find(query), { status: 200 })
  await ask(`${server.api}/2010-04-01/Accounts/${sid}.json`, {
    headers: masterHeaders(),
    form: { Status: 'suspended' },
  })
  t.match(await find(query), { status: 403, text: '' })
  t.match(await find(`${query}&decoy=1`), { status: 403, text: '' })
})

function masterHeaders() {
  const { MASTER_ACCOUNT_SID: sid, MASTER_AUTH_TOKEN: token } = KNOWN_TOKENS
  return { authorization: `Basic ${Buffer.from(`${sid}:${token}`).toString('base64')}` }
}

t.test('an answer has a length and no chunks, which HTTP/1.0 proxies can read too', async (t) => {
  const { hostname, port } = new URL(server.auth)
  const socket = connect(Number(port), hostname)
  socket.end(`GET /v1/ha1?realm=${REALM}&username=alice HTTP/1.0\r\nAuthorization: Bearer ${HA1_TOKEN}\r\n\r\n`)
  const answer = await text(socket)
  t.match(answer, /^HTTP\/1\.1 200 OK\r\n[\s\S]*content-length: 32\r\n[\s\S]*\r\n\r\n[0-9a-f]{32}$/i)
  t.notMatch(answer, /transfer-encoding/i)
})

t.test('with decoy=1 an unknown user has an HA1 that outlives a restart, and a known one his own', async (t) => {
  const unknown = `realm=${REALM}&username=nobody&decoy=1`
  const before = await find(unknown)
  t.match(before, { status: 200, text: /^[0-9a-f]{32}$/ })
  t.not((await find(`realm=${REALM}&username=nobody2&decoy=1`)).text, before.text)
  t.match(await find(`${unknown}&algorithm=SHA-256`), { status: 200, text: /^[0-9a-f]{64}$/ })
  const known = await find(`realm=${REALM}&username=alice&decoy=1`)
  t.equal(known.text, computeHa1('MD5', 'alice', REALM, PASSWORD))
  t.match(await find(`${unknown}&decoy=1`), { status: 400, text: '' })

  t.same(await server.stop(), { code: 0, signal: null })
  server = await startSipauthd(t, { env: ENV })
  t.equal((await find(unknown)).text, before.text)
  t.equal((await find(`realm=${REALM}&username=alice`)).text, known.text)
})
