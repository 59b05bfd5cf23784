import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { computeHa1s } from '../src/provision/ha1s.js'
import { type Answer, answer, REALM } from './auth/phone.js'
import { ask, type HttpAnswer } from './fixtures/http.js'
import { startPostgres } from './fixtures/postgres.js'
import { startRedis } from './fixtures/redis.js'
import { scratchFolder } from './fixtures/scratch.js'
import { type Sipauthd, startSipauthd } from './fixtures/sipauthd.js'
import { until } from './fixtures/until.js'
import { readChallenge } from './lookup/proxy.js'

const PASSWORDS = ['Correct-Horse-42', 'Another-Horse-43', 'Weak-horse', 'Wrong-Horse-44'] as const
const [FIRST, CHANGED, WEAK, WRONG] = PASSWORDS
const NONCE_SECRETS = ['the-first-nonce-secret', 'the-second-nonce-secret']

/** Everything that came out of a server, by where it came out. */
type Seen = { readonly where: string; readonly text: string }

/** A server under use, which keeps all that it answers. */
class Witness {
  readonly seen: Seen[] = []
  readonly #server: Sipauthd
  readonly #secrets: Readonly<Record<string, string>>

  constructor(server: Sipauthd, secrets: Readonly<Record<string, string>>) {
    this.#server = server
    this.#secrets = secrets
  }

  async note(where: string, answered: Promise<HttpAnswer>): Promise<HttpAnswer> {
    const got = await answered
    this.seen.push({ where, text: `${JSON.stringify(got.headers)} ${got.text}` })
    return got
  }

  api(path: string, form?: Readonly<Record<string, string>>, method?: string, token?: string): Promise<HttpAnswer> {
    const { MASTER_ACCOUNT_SID: sid, MASTER_AUTH_TOKEN } = this.#secrets
    const key = Buffer.from(`${sid}:${token ?? MASTER_AUTH_TOKEN}`).toString('base64')
    const question = { headers: { authorization: `Basic ${key}` }, ...(form && { form }), ...(method && { method }) }
    const url = `${this.#server.api}/2010-04-01/Accounts${path === '' ? '' : `/${sid}${path}`}.json`
    return this.note(`${method ?? (form ? 'POST' : 'GET')} ${path}`, ask(url, question))
  }

  verify(form: Readonly<Record<string, string>>, headers = this.bearer()): Promise<HttpAnswer> {
    const url = `${this.#server.auth}/v1/verify`
    return this.note('verify', ask(url, { headers, form: { method: 'REGISTER', realm: REALM, ...form } }))
  }

  async attempt(how: Answer, form: Readonly<Record<string, string>> = {}): Promise<HttpAnswer> {
    return this.verify({ authorization: answer(readChallenge((await this.verify({})).json), how), ...form })
  }

  lookup(path: string, headers = this.bearer()): Promise<HttpAnswer> {
    return this.note(path, ask(this.#server.auth + path, { headers }))
  }

  bearer() {
    return { authorization: `Bearer ${this.#secrets.PROXY_TOKEN}` }
  }
}

/** Secrets that stand in a text. */
function found(text: string, secrets: readonly string[]): readonly string[] {
  const lower = text.toLowerCase()
  return secrets.filter((secret) => secret !== '' && lower.includes(secret.toLowerCase()))
}

t.test('no password, token, nonce secret or HA1 comes out but where the interface says so', async (t) => {
  const [postgres, redis, DATA_DIR] = await Promise.all([startPostgres(t), startRedis(t), scratchFolder('data')])
  await redis.cli('config', 'set', 'requirepass', 'the-redis-password')
  const NONCE_SECRET_FILE = join(DATA_DIR, 'nonces')
  writeFileSync(NONCE_SECRET_FILE, NONCE_SECRETS[0] ?? '')
  const databaseUrl = await postgres.createDatabase()
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
  const witness = new Witness(server, kept)

  t.match((await witness.lookup('/readyz')).json, { stores: { postgres: 'up', redis: 'up' } })

  // Writes, right and wrong.
  const account = await witness.api('', { FriendlyName: 'a tenant' })
  const { auth_token: accountToken = '' } = account.json as { auth_token?: string }
  t.match(accountToken, /^[0-9a-f]{32}$/, 'the answer that creates an account shows its token')
  const creation = witness.seen.pop()
  t.ok(creation)
  await witness.api('')
  const list = (await witness.api('/SIP/CredentialLists', { FriendlyName: 'phones', Realm: REALM })).json
  const credentials = `/SIP/CredentialLists/${(list as { sid: string }).sid}/Credentials`
  const { sid } = (await witness.api(credentials, { Username: 'alice', Password: FIRST })).json as { sid: string }
  t.match(await witness.api(credentials, { Username: 'alice', Password: FIRST }), { status: 400 })
  t.match(await witness.api(credentials, { Username: 'b b', Password: FIRST }), { status: 400 })
  t.match(await witness.api(credentials, { Username: 'bob', Password: WEAK }), { status: 400 })
  t.match(await witness.api(credentials, { Username: 'bob', Password: FIRST }, 'PUT'), { status: 405 })
  t.match(await witness.api(`${credentials}/CR1`), { status: 404 })
  await witness.api(credentials)
  await witness.api(`${credentials}/${sid}`)
  t.match(await witness.api(credentials, undefined, 'GET', WRONG), { status: 401 })

  // Checks, right and wrong.
  t.match(await witness.attempt({ password: FIRST }), { status: 200 })
  t.match(await witness.attempt({ password: WRONG }), { status: 401 })
  t.match(await witness.attempt({ username: 'nobody', password: WRONG }), { status: 401 })
  t.match(await witness.attempt({ password: FIRST }, { identity: 'bob' }), { status: 403 })
  t.match(await witness.verify({ authorization: `Digest ${WRONG}` }), { status: 400 })
  t.match(await witness.verify({}, { authorization: `Bearer ${WRONG}` }), { status: 401 })
  t.match(await witness.api(`${credentials}/${sid}`, { Password: CHANGED }), { status: 200 })
  t.match(await witness.attempt({ password: CHANGED }), { status: 200 })
  const ha1s = PASSWORDS.flatMap((password) => Object.values(computeHa1s('alice', REALM, password)))
  const shown = await ask(`${server.auth}/v1/ha1?realm=${REALM}&username=alice`, { headers: witness.bearer() })
  t.ok(ha1s.includes(shown.text), 'GET /v1/ha1 shows an HA1')
  await witness.lookup(`/v1/ha1?realm=${REALM}&username=nobody`)
  await witness.lookup(`/v1/ha1?realm=${REALM}&username=alice`, { authorization: `Bearer ${WRONG}` })

  // Faults of stores: a Redis that refuses writes names the command that it refused, with its arguments.
  await redis.cli('-a', 'the-redis-password', 'config', 'set', 'min-replicas-to-write', '1')
  t.match(await witness.api(`${credentials}/${sid}`, { Password: FIRST }), { status: 200 })
  await server.waitForLog(/NOREPLICAS/)
  await redis.cli('-a', 'the-redis-password', 'config', 'set', 'min-replicas-to-write', '0')
  await redis.stop()
  await server.waitForLog(/"store":"redis".*does not answer/)
  t.match(await witness.attempt({ password: FIRST }), { status: 200 })
  await redis.restart()
  await until(() => /WRONGPASS|AUTH|no password/i.test(server.stderr()))
  await postgres.stop()
  await server.waitForLog(/"store":"postgres".*does not answer/)
  t.match(await witness.api(`${credentials}/${sid}`, { Password: CHANGED }), { status: 503 })
  await witness.verify({})
  await witness.lookup('/readyz')

  // Signals.
  writeFileSync(NONCE_SECRET_FILE, [...NONCE_SECRETS].reverse().join('\n'))
  server.signal('SIGHUP')
  await server.waitForLog(/nonce secrets read again/)
  await witness.lookup('/metrics')
  t.same(await server.stop(), { code: 0, signal: null })

  const secrets = [...PASSWORDS, ...NONCE_SECRETS, 'the-redis-password', 'the-database-password', accountToken, ...ha1s]
  const tokens = [kept.MASTER_AUTH_TOKEN ?? '', kept.PROXY_TOKEN ?? '']
  t.ok(tokens.every((token) => token.length === 32))
  t.ok(server.stderr().length > 5_000, 'the log did tell something')
  t.same(found(server.stderr(), [...secrets, ...tokens]), [], 'the log')
  // The steps that are printed bring a password of their own making, for the phone that they register.
  const announced = server.stdout().replaceAll(/PASSWORD="[^"]*"/g, '')
  t.same(found(announced, secrets), [], 'standard output')
  t.same(found(announced, tokens), tokens, 'whose first start announces the tokens')
  for (const { where, text } of witness.seen) t.same(found(text, [...secrets, ...tokens]), [], where)
})
