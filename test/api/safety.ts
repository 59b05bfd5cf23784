import { createHash } from 'node:crypto'
import { pino } from 'pino'
import type { Test } from 'tap'
import type { RateLimits } from '../../src/api/rate-limits.js'
import { createApiServer } from '../../src/api/server.js'
import { DOCUMENTATION } from '../../src/documentation.js'
import { until } from '../fixtures/until.js'
import { basic, type Key, type RunningApi } from './running-api.js'

const PASSWORD = 'Correct-Horse-7'

/** Another node on the same database, with limits. */
async function startLimited(t: Test, api: RunningApi, limits: RateLimits, trustedProxies: readonly string[] = []) {
  const warnings: string[] = []
  const app = await createApiServer({
    documentation: DOCUMENTATION,
    instanceSecret: 'of this node',
    pool: api.database.pool,
    provision: api.provision,
    master: { sid: api.master.sid, tokenHashes: [createHash('sha256').update(api.master.token).digest()] },
    limits,
    trustedProxies,
    log: pino({ level: 'warn' }, { write: (line) => warnings.push(line) }),
  })
  t.teardown(() => app.close())
  return {
    /** The lines of its log, warnings and worse. */
    warnings,
    /** A request of Twilio's dialect for the account itself. */
    fetch: ({ sid, token }: Key, from = {}) =>
      app.inject({
        url: `/2010-04-01/Accounts/${sid}.json`,
        headers: { authorization: basic({ sid, token }) },
        ...from,
      }),
    /** A request of Vobiz's dialect for the account's credentials. */
    list: (authId: string, token: string) =>
      app.inject({
        url: `/api/v1/account/${authId}/credentials`,
        headers: { 'x-auth-id': authId, 'x-auth-token': token },
      }),
    bare: (from = {}) => app.inject({ url: `/2010-04-01/Accounts/${api.master.sid}.json`, ...from }),
  }
}

async function testAccountLimit(t: Test, api: RunningApi) {
  const { account, token } = await api.provision.accounts.create(api.master.sid, 'busy')
  const ann = { sid: account.sid, token }
  const bob = await api.createAccount()
  const node = await startLimited(t, api, { requestsPerSecond: 1, failuresPerMinute: 0 })
  for (let n = 0; n < 10; n++) t.equal((await node.fetch(ann)).statusCode, 200, `${n} within ten seconds`)
  const refused = await node.fetch(ann)
  t.match(refused.json(), {
    code: 20429,
    status: 429,
    message: /^Too many requests, try again in \d+ s$/,
    more_info: 'https://www.twilio.com/docs/errors/20429',
  })
  t.equal(refused.statusCode, 429)
  t.match(refused.headers['retry-after'], /^([1-9]|10)$/)
  const other = await node.list(account.authId, token)
  t.match(other.json(), { code: 429, error: /^Too many requests/ }, "in Vobiz's dialect it is the same account")
  t.equal(other.statusCode, 429)
  t.match(other.headers['retry-after'], /^([1-9]|10)$/)
  t.equal((await node.fetch(bob)).statusCode, 200, 'another account is not held up')
  t.equal((await api.ask('GET', `/2010-04-01/Accounts/${ann.sid}.json`, { key: ann })).status, 200, 'elsewhere it is')
}

async function testRefusedRequests(t: Test, api: RunningApi) {
  const node = await startLimited(t, api, { requestsPerSecond: 1, failuresPerMinute: 0 })
  const [ann, bob, eve] = [await api.createAccount(), await api.createAccount(), await api.createAccount()]
  await api.provision.accounts.update(eve.sid, { status: 'suspended' })
  const targets: [Key, string, number, number][] = [
    [ann, bob.sid, 404, 20404],
    [bob, api.master.sid, 401, 20003],
    [eve, eve.sid, 401, 20005],
  ]
  for (const [{ sid, token }, target, status, code] of targets) {
    const headers = { authorization: basic({ sid, token }) }
    const ask = () => node.bare({ url: `/2010-04-01/Accounts/${target}.json`, headers })
    for (let n = 0; n < 10; n++) t.match((await ask()).json(), { status, code })
    t.match((await ask()).json(), { status: 429, code: 20429 }, `${code} is counted`)
  }
}

async function testDocumentationLimit(t: Test, api: RunningApi) {
  const node = await startLimited(t, api, { requestsPerSecond: 1, failuresPerMinute: 0 })
  for (let n = 0; n < 10; n++) t.equal((await node.bare({ url: '/docs/json' })).statusCode, 200)
  t.match((await node.bare({ url: '/docs/json' })).json(), { status: 429, code: 20429 })
  t.equal((await node.bare({ url: '/docs/json', remoteAddress: '192.0.2.9' })).statusCode, 200, 'from elsewhere')
}

/** How many sessions wait for a lock. */
async function countWaiting({ database }: RunningApi): Promise<number> {
  const { rows } = await database.reserve.query<{ n: number }>(
    `select count(*)::int as n from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
  )
  return rows[0]?.n ?? 0
}

async function testBurst(t: Test, api: RunningApi) {
  const [ann, bob] = [await api.createAccount(), await api.createAccount()]
  const list = await api.provision.credentialLists.create(ann.sid, { friendlyName: 'Burst' })
  const path = `/2010-04-01/Accounts/${ann.sid}/SIP/CredentialLists/${list.sid}/Credentials.json`
  // Whoever writes into the list waits for as long as this goes on.
  const client = await api.database.pool.connect()
  await client.query('begin')
  await client.query('select from credential_lists where sid = $1 for update', [list.sid])
  const burst = Promise.all(
    Array.from({ length: 60 }, (_, n) =>
      api.ask('POST', path, { key: ann, form: { Username: `u${n}`, Password: PASSWORD } }),
    ),
  )
  await until(async () => (await countWaiting(api)) >= 4)
  const lists = `/2010-04-01/Accounts/${bob.sid}/SIP/CredentialLists.json`
  const other = await api.ask('POST', lists, { key: bob, form: { FriendlyName: 'Meanwhile' } })
  t.equal(other.status, 201, 'another account finds a connection')
  t.equal(await countWaiting(api), 4)
  await client.query('commit')
  client.release()
  t.strictSame(new Set((await burst).map(({ status }) => status)), new Set([201]), 'and all are served in the end')
}

async function testGuessLimit(t: Test, api: RunningApi) {
  const key = await api.createAccount()
  const wrong = { ...key, token: 'f'.repeat(32) }
  const node = await startLimited(t, api, { requestsPerSecond: 0, failuresPerMinute: 3 })
  for (let n = 0; n < 5; n++)
    t.equal((await node.bare()).statusCode, 401, 'a client that waits to be asked guesses nothing')
  for (let n = 0; n < 3; n++) t.equal((await node.fetch(wrong)).statusCode, 401)
  for (const guess of [wrong, key]) {
    const refused = await node.fetch(guess)
    t.match(refused.json(), { code: 20429, status: 429 }, 'the right token gets no other answer')
    t.match(refused.headers['retry-after'], /^([1-9]|[1-5]\d|60)$/)
  }
  t.equal(node.warnings.length, 1, 'which is told once')
  t.match(node.warnings[0], /"source":"127\.0\.0\.1".*not heard/)
  t.notMatch(node.warnings[0], wrong.token)
  t.equal((await node.fetch(key, { remoteAddress: '192.0.2.1' })).statusCode, 200, 'from elsewhere it is let in')
  const near = (host: string) => ({ remoteAddress: `2001:db8:1:2::${host}` })
  for (let n = 0; n < 3; n++) t.equal((await node.fetch(wrong, near(String(n)))).statusCode, 401)
  t.equal((await node.fetch(key, near('ffff'))).statusCode, 429, 'one /64 is one source')
}

async function testManyGuessesAtOnce(t: Test, api: RunningApi) {
  const key = await api.createAccount()
  const node = await startLimited(t, api, { requestsPerSecond: 0, failuresPerMinute: 3 })
  const wrong = { ...key, token: 'f'.repeat(32) }
  const answers = await Promise.all([...Array.from({ length: 20 }, () => wrong), key].map((guess) => node.fetch(guess)))
  const codes = answers.map(({ statusCode }) => statusCode)
  t.strictSame(codes.slice(0, 20).filter((code) => code === 401).length, 3, 'the limit holds for guesses that cross')
  t.notOk(codes.slice(0, 20).includes(200))
}

async function testProxies(t: Test, api: RunningApi) {
  const key = await api.createAccount()
  const wrong = { ...key, token: 'f'.repeat(32) }
  const limits = { requestsPerSecond: 0, failuresPerMinute: 1 }
  const node = await startLimited(t, api, limits, ['127.0.0.0/8'])
  const through = (address: string, from = '127.0.0.1') => ({
    remoteAddress: from,
    headers: { authorization: basic(wrong), 'x-forwarded-for': address },
  })
  t.equal((await node.bare(through('192.0.2.1'))).statusCode, 401)
  t.equal((await node.bare(through('192.0.2.1'))).statusCode, 429, 'the source is what the proxy names')
  t.equal((await node.bare(through('192.0.2.2'))).statusCode, 401)
  t.equal((await node.bare(through('192.0.2.3', '198.51.100.1'))).statusCode, 401)
  t.equal((await node.bare(through('192.0.2.4', '198.51.100.1'))).statusCode, 429, 'and nobody else names another')
}

async function testAuthors(t: Test, api: RunningApi) {
  const { account, token } = await api.provision.accounts.create(api.master.sid, 'audited')
  const { sid, authId } = account
  const accounts = '/2010-04-01/Accounts'
  const renamed = await api.ask('POST', `${accounts}/${sid}.json`, { form: { FriendlyName: 'Bakery' } })
  const lists = `${accounts}/${sid}/SIP/CredentialLists`
  const list = await api.ask('POST', `${lists}.json`, { key: { sid, token }, form: { FriendlyName: 'Phones' } })
  const credentials = `${lists}/${list.body.sid}/Credentials`
  const form = { Username: 'ann', Password: PASSWORD }
  const created = await api.ask('POST', `${credentials}.json`, { key: { sid, token }, form })
  const credential = `${credentials}/${created.body.sid}.json`
  const changed = await api.ask('POST', credential, { key: { sid, token }, form: { Password: `${PASSWORD}!` } })
  const refused = await api.ask('POST', `${credentials}.json`, { key: { sid, token }, form })
  t.equal(refused.status, 400)
  const disabled = await fetch(`${api.url}/api/v1/account/${authId}/credentials/${toUuid(created.body.sid)}`, {
    method: 'PUT',
    headers: { 'x-auth-id': authId, 'x-auth-token': token, 'content-type': 'application/json' },
    body: JSON.stringify({ enabled: false, description: 'gone on holiday' }),
  })
  t.equal(disabled.status, 200)
  const removed = await api.ask('DELETE', `${lists}/${list.body.sid}.json`, { key: { sid, token } })
  const { rows } = await api.database.pool.query(
    'select actor_sid, door, request_id, action, resource_sid, detail from audit where account_sid = $1 order by id',
    [sid],
  )
  const line = (actor: string | null, door: string, answer: { headers: Headers } | undefined, rest: object) => ({
    ...{ actor_sid: actor, door, request_id: answer?.headers.get('x-request-id') ?? null },
    ...rest,
  })
  const whose = { username: 'ann', realm: account.realm, credentialListSid: list.body.sid }
  const phones = { friendlyName: 'Phones', realm: account.realm, algorithms: null }
  const of = (resource_sid: string, action: string, detail: object) => ({ action, resource_sid, detail })
  t.strictSame(rows, [
    line(null, 'cli', undefined, of(sid, 'account.create', { friendlyName: 'audited', realm: account.realm })),
    line(
      ...([api.master.sid, 'twilio', renamed] as const),
      of(sid, 'account.update', { friendlyName: { from: 'audited', to: 'Bakery' } }),
    ),
    line(sid, 'twilio', list, of(list.body.sid, 'credential_list.create', phones)),
    line(sid, 'twilio', created, of(created.body.sid, 'credential.create', { ...whose, enabled: true })),
    line(sid, 'twilio', changed, of(created.body.sid, 'credential.update', { ...whose, password: true })),
    line(
      ...([sid, 'vobiz', disabled] as const),
      of(created.body.sid, 'credential.update', { ...whose, enabled: { from: true, to: false }, description: true }),
    ),
    line(sid, 'twilio', removed, of(list.body.sid, 'credential_list.delete', { ...phones, credentials: 1 })),
  ])
}

function toUuid(sid: string): string {
  return sid.slice(2).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}

async function testRequestIds(t: Test, api: RunningApi) {
  const path = `/2010-04-01/Accounts/${api.master.sid}.json`
  const start = api.logged.length
  const answers = [
    await api.ask('GET', path, { headers: { 'x-request-id': 'mine' } }),
    await api.ask('GET', path, { key: null }),
    await api.ask('GET', '/nowhere'),
  ]
  const ids = answers.map(({ headers }) => headers.get('x-request-id'))
  for (const id of ids) t.match(id, /^RQ[0-9a-f]{32}$/)
  t.equal(new Set(ids).size, 3)
  const lines = api.logged.slice(start).map((line) => JSON.parse(line))
  const answered = lines.filter(({ msg }) => msg === 'answered').map(({ requestId, status }) => [requestId, status])
  t.strictSame(answered, [
    [ids[0], 200],
    [ids[1], 401],
    [ids[2], 404],
  ])
}

/** Limits, the audit trail's authors and request ids. */
export async function testSafety(t: Test, api: RunningApi): Promise<void> {
  await t.test('an account that asks too often gets 429 and 20429, and comes again later', (t) =>
    testAccountLimit(t, api),
  )
  await t.test('what an account is refused counts like what it is given', (t) => testRefusedRequests(t, api))
  await t.test('who reads the documentation too often gets 429', (t) => testDocumentationLimit(t, api))
  await t.test('the burst of one account leaves connections to the others', (t) => testBurst(t, api))
  await t.test('an address that brings wrong tokens too often is not heard any more', (t) => testGuessLimit(t, api))
  await t.test('guesses that are made all at once find out no more', (t) => testManyGuessesAtOnce(t, api))
  await t.test('a trusted proxy names the address, and nobody else does', (t) => testProxies(t, api))
  await t.test('the audit trail tells who changed what, by which door, in which request', (t) => testAuthors(t, api))
  await t.test('every request has an id of its own, in its answer and in its log lines', (t) => testRequestIds(t, api))
}
