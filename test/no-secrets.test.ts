import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { CHANGED_PASSWORD, createAsker, type Exchange, PASSWORD, performAll } from './api/every-operation.js'
import { routingTables } from './api/routing-tables.js'
import { REALM } from './auth/phone.js'
import { ask } from './fixtures/http.js'
import { startPostgres } from './fixtures/postgres.js'
import { startRedis } from './fixtures/redis.js'
import { scratchFolder } from './fixtures/scratch.js'
import { startSipauthd } from './fixtures/sipauthd.js'
import { until } from './fixtures/until.js'
import { openStore } from './provision/stage.js'
import { found, PASSWORDS, WEAK, Witness, WRONG } from './witness.js'
import { runCommands } from './witnessed-commands.js'

const NONCE_SECRETS = ['the-first-nonce-secret', 'the-second-nonce-secret']

const [postgres, redis, DATA_DIR] = await Promise.all([startPostgres(t), startRedis(t), scratchFolder('data')])
await redis.cli('config', 'set', 'requirepass', 'the-redis-password')
const NONCE_SECRET_FILE = join(DATA_DIR, 'nonces')
writeFileSync(NONCE_SECRET_FILE, NONCE_SECRETS[0] ?? '')
const databaseUrl = await postgres.createDatabase()
const database = await openStore(t, databaseUrl)
const env = {
  DATA_DIR,
  NONCE_SECRET_FILE,
  DATABASE_URL: databaseUrl.replace('postgres@', 'postgres:the-database-password@'),
  REDIS_URL: `${redis.url}?password=the-redis-password`,
  LOG_LEVEL: 'trace',
}
const server = await startSipauthd(t, { env })
await server.waitForLog(/baresip -f .*\n/)
const file = readFileSync(join(DATA_DIR, 'secrets.env'), 'utf8')
const kept = Object.fromEntries(
  [...file.matchAll(/^(\w+)='(.*)'$/gm)].map(([, name = '', value = '']) => [name, value]),
)
const witness = new Witness(server, kept, env)
const { MASTER_ACCOUNT_SID: masterSid = '', MASTER_AUTH_TOKEN: masterToken = '', PROXY_TOKEN: proxyToken = '' } = kept

const { tokens, ha1s } = witness
witness.remember('alice', REALM)

/** An answer that creates an account shows its token; every other one is kept as it is. */
function keep({ route: [method, path], answer }: Exchange): void {
  const { auth_token: token = '' } = (answer.json ?? {}) as { auth_token?: string | null }
  if (token) tokens.add(token)
  witness.keep(`${method} ${path}`, answer, token ?? '')
}

t.test('every operation of both dialects is done', async (t) => {
  const master = (await witness.api('')).json as { auth_id: string }
  const actor = { sid: masterSid, authId: master.auth_id, token: masterToken }
  let account: { sid: string; auth_id: string; realm: string } | undefined
  for (const dialect of routingTables()) {
    const names = account && { AccountSid: account.sid, auth_id: account.auth_id }
    for (const exchange of await performAll(dialect, createAsker(server.api, dialect, actor), names ?? {})) {
      const [method, path, { status }] = exchange.route
      t.equal(exchange.answer.status, status, `${method} ${path}: ${exchange.answer.text}`)
      const body = (exchange.answer.json ?? {}) as { username?: string } & NonNullable<typeof account>
      if (body.auth_id && body.sid !== masterSid) account = body
      if (body.username && account) witness.remember(body.username, account.realm)
      keep(exchange)
    }
  }
  t.ok(tokens.size > 0, 'an account was created')
})

t.test('writes are refused', async (t) => {
  const list = (await witness.api('/SIP/CredentialLists', { FriendlyName: 'phones', Realm: REALM })).json
  const credentials = `/SIP/CredentialLists/${(list as { sid: string }).sid}/Credentials`
  await witness.api(credentials, { Username: 'alice', Password: PASSWORD })
  t.match(await witness.api(credentials, { Username: 'alice', Password: PASSWORD }), { status: 400 })
  t.match(await witness.api(credentials, { Username: 'b b', Password: PASSWORD }), { status: 400 })
  t.match(await witness.api(credentials, { Username: 'bob', Password: WEAK }), { status: 400 })
  t.match(await witness.api(credentials, { Username: PASSWORD.repeat(3), Password: PASSWORD }), { status: 400 })
  t.match(await witness.api(credentials, { Username: 'bob', Password: PASSWORD.repeat(5_000) }), { status: 413 })
  t.match(await witness.api(credentials, { Username: 'bob', Password: PASSWORD }, 'PUT'), { status: 405 })
  t.match(await witness.api(`${credentials}/CR1`, { Password: PASSWORD }), { status: 404 })
  t.match(await witness.api(credentials, undefined, 'GET', WRONG), { status: 401 })
  const { auth_id: id } = (await witness.api('')).json as { auth_id: string }
  const headers = { 'x-auth-id': id, 'x-auth-token': masterToken }
  const credential = { username: 'bob', password: PASSWORD, more: PASSWORD }
  const vobiz: readonly [body: object, status: number, token?: string][] = [
    [{ json: credential }, 201],
    [{ json: credential }, 409],
    [{ json: { ...credential, password: [PASSWORD] } }, 422],
    [{ json: { ...credential, username: WRONG.repeat(8) } }, 422],
    [{ json: { ...credential, password: WEAK.slice(0, 7) } }, 422],
    [{ json: credential }, 401, WRONG],
    [{ body: `{"password":"${PASSWORD}` }, 415],
    [{ json: { password: PASSWORD.repeat(5_000) } }, 413],
  ]
  const url = `${server.api}/api/v1/account/${id}/credentials`
  for (const [body, status, token = masterToken] of vobiz) {
    const got = await ask(url, { method: 'POST', headers: { ...headers, 'x-auth-token': token }, ...body })
    t.equal(witness.keep(`Vobiz ${status}`, got).status, status, got.text)
  }
  const unclosed = { body: `{"password":"${PASSWORD}`, headers: { ...headers, 'content-type': 'application/json' } }
  t.match(witness.keep('Vobiz, no JSON', await ask(url, unclosed)), { status: 400 })
})

t.test('phones are checked, and HA1s looked up', async (t) => {
  t.match(await witness.attempt({ password: PASSWORD }), { status: 200 })
  t.match(await witness.attempt({ password: WRONG }), { status: 401 })
  t.match(await witness.attempt({ username: 'nobody', password: WRONG }), { status: 401 })
  t.match(await witness.attempt({ password: PASSWORD }, { identity: 'bob' }), { status: 403 })
  t.match(await witness.verify({ authorization: `Digest ${WRONG}` }), { status: 400 })
  t.match(await witness.verify({}, { authorization: `Bearer ${WRONG}` }), { status: 401 })
  const shown = await ask(`${server.auth}/v1/ha1?realm=${REALM}&username=alice`, { headers: witness.bearer() })
  t.ok(ha1s.has(shown.text), 'GET /v1/ha1 shows an HA1')
  await witness.lookup(`/v1/ha1?realm=${REALM}&username=nobody`)
  await witness.lookup(`/v1/ha1?realm=${REALM}&username=alice`, { authorization: `Bearer ${WRONG}` })
})

t.test('every command is run', (t) => runCommands(t, witness, DATA_DIR))

t.test('stores fail', async (t) => {
  const credential = await credentialPath()
  // A Redis that refuses writes names the command that it refused, with its arguments.
  await redis.cli('-a', 'the-redis-password', 'config', 'set', 'min-replicas-to-write', '1')
  t.match(await witness.api(credential, { Password: CHANGED_PASSWORD }), { status: 200 })
  await server.waitForLog(/NOREPLICAS/)
  await redis.cli('-a', 'the-redis-password', 'config', 'set', 'min-replicas-to-write', '0')
  await redis.stop()
  await server.waitForLog(/"store":"redis".*does not answer/)
  t.match(await witness.attempt({ password: CHANGED_PASSWORD }), { status: 200 })
  await redis.restart()
  await until(() => /WRONGPASS|AUTH|no password/i.test(server.stderr()))
  await witness.lookup('/metrics')
  await readDatabase(t)
  await postgres.stop()
  await server.waitForLog(/"store":"postgres".*does not answer/)
  t.match(await witness.api(credential, { Password: PASSWORD }), { status: 503 })
  const told = [...server.stderr().matchAll(/^.*(?:NOREPLICAS|the store does not answer).*$/gm)].map(([line]) => line)
  t.ok(told.length > 2)
  t.notMatch(told.join(), /"stack"/, 'what a store refuses, or that it is away, is told without a stack')
  await witness.verify({})
  await witness.lookup('/readyz')
})

async function credentialPath(): Promise<string> {
  const { rows } = await database.pool.query<{ sid: string; list_sid: string }>(
    "select sid, list_sid from credentials where username = 'alice'",
  )
  return `/SIP/CredentialLists/${rows[0]?.list_sid}/Credentials/${rows[0]?.sid}`
}

/** What the database holds beside the credentials, which have HA1s. */
async function readDatabase(t: Test): Promise<void> {
  const { rows } = await database.pool.query<{ name: string }>(
    "select table_name as name from information_schema.tables where table_schema = 'public'",
  )
  for (const { name } of rows) {
    const { rows } = await database.pool.query<{ row: string }>(`select to_jsonb(x)::text as row from ${name} x`)
    const text = rows.map(({ row }) => row).join('\n')
    if (name === 'audit') t.ok(rows.length > 30, 'the audit trail tells of what was done')
    if (name !== 'credentials') witness.seen.push({ where: `table ${name}`, text })
    else t.same(found(text, [...PASSWORDS, ...tokens, masterToken, proxyToken]), [], 'credentials')
  }
}

t.test('and no password, token, nonce secret or HA1 comes out but where the interface says so', async (t) => {
  writeFileSync(NONCE_SECRET_FILE, [...NONCE_SECRETS].reverse().join('\n'))
  server.signal('SIGHUP')
  await server.waitForLog(/nonce secrets read again/)
  await witness.lookup('/metrics')
  t.same(await server.stop(), { code: 0, signal: null })

  const secrets = [...PASSWORDS, ...NONCE_SECRETS, 'the-redis-password', 'the-database-password', ...tokens, ...ha1s]
  const generated = [masterToken, proxyToken]
  t.ok(generated.every((token) => token.length === 32))
  t.ok(server.stderr().length > 5_000, 'the log did tell something')
  t.same(found(server.stderr(), [...secrets, ...generated]), [], 'the log')
  // The steps that are printed bring a password of their own making, for the phone that they register.
  const announced = server.stdout().replaceAll(/PASSWORD="[^"]*"/g, '')
  t.same(found(announced, secrets), [], 'standard output')
  t.same(found(announced, generated), generated, 'whose first start announces the tokens')
  for (const { where, text } of witness.seen) t.same(found(text, [...secrets, ...generated]), [], where)
})
