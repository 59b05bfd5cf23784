import t from 'tap'
import { runAccount } from '../src/commands/account.js'
import { runAudit } from '../src/commands/audit.js'
import type { Command } from '../src/commands/command.js'
import { runExport } from '../src/commands/export.js'
import { runImport } from '../src/commands/import.js'
import { runMigrate } from '../src/commands/migrate.js'
import { runMirror } from '../src/commands/mirror.js'
import { runServe } from '../src/commands/serve.js'
import { readConfig } from '../src/config.js'
import { createLog } from '../src/log.js'
import { REALM } from './auth/phone.js'
import { embeddedFolder } from './fixtures/embedded-folder.js'
import { ask } from './fixtures/http.js'
import { startPostgres } from './fixtures/postgres.js'
import { startRedis } from './fixtures/redis.js'
import { scratchFolder } from './fixtures/scratch.js'
import { runSipauthd, startSipauthd } from './fixtures/sipauthd.js'
import { createTenant, KNOWN_TOKENS, MASTER } from './fixtures/tenant.js'
import { withinASecond } from './fixtures/until.js'
import { createProxy } from './lookup/proxy.js'

const postgres = await startPostgres(t)
const redis = await startRedis(t)

/** The lines of JSON that a command printed. */
function jsonLines(stdout: string): readonly Record<string, unknown>[] {
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))
}

t.test('help lists every command, with and without being asked, whatever the configuration', async (t) => {
  for (const args of [[], ['--help'], ['import', '--help']]) {
    const { code, stdout, stderr } = await runSipauthd(args, { API_PORT: 'wrong' })
    t.equal(code, 0)
    t.equal(stderr, '')
    for (const command of [
      'serve',
      'migrate',
      'account create',
      'account list',
      'account rotate-token',
      'audit',
      'mirror check',
      'import SOURCE',
      'export',
    ]) {
      t.match(stdout, `sipauthd ${command}`)
    }
    t.match(stdout, /mirror rebuild[\s\S]*sipauthd help/)
  }
})

t.test('a command that is called wrongly says how, with exit code 2, before anything is opened', async (t) => {
  // Nothing listens there: whatever opened it would fail otherwise, and later.
  const config = readConfig({ ...KNOWN_TOKENS, DATABASE_URL: 'postgres://127.0.0.1:9/none' })
  const wrong: readonly (readonly [Command, readonly string[], RegExp])[] = [
    [runServe, ['now'], /serve takes no arguments/],
    [runMigrate, ['up'], /migrate takes no arguments/],
    [runAccount, [], /account takes one of create, list, suspend, activate, close, rotate-token/],
    [runAccount, ['constructor'], /account takes one of/],
    [runAccount, ['create'], /a name of 1 to 64 characters/],
    [runAccount, ['create', 'x'.repeat(65)], /a name of 1 to 64 characters/],
    [runAccount, ['list', '--status'], /--status and one of active, suspended, closed/],
    [runAccount, ['list', '--status', 'gone'], /--status and one of/],
    [runAccount, ['list', '--all'], /--status and one of/],
    [runAccount, ['list', 'active'], /--status and one of/],
    [runAccount, ['list', '--status=active', 'x'], /--status and one of/],
    [runAccount, ['suspend'], /takes an account SID/],
    [runAccount, ['suspend', 'AC1'], /takes an account SID/],
    [runAccount, ['suspend', MASTER.sid, 'now'], /takes an account SID/],
    [runAccount, ['activate'], /account activate takes an account SID/],
    [runAccount, ['rotate-token'], /rotate-token takes an account SID, and --overlap/],
    [runAccount, ['rotate-token', 'AC1'], /takes an account SID/],
    [runAccount, ['rotate-token', MASTER.sid, MASTER.sid], /takes an account SID/],
    [runAccount, ['rotate-token', MASTER.sid, '--overlap'], /--overlap with a whole number/],
    [runAccount, ['rotate-token', MASTER.sid, '--overlap=day'], /--overlap with a whole number/],
    [runAccount, ['rotate-token', MASTER.sid, '--overlap', '91d'], /90d at most/],
    [runAccount, ['rotate-token', MASTER.sid, '--now'], /takes an account SID/],
    [runAudit, ['AC1'], /sipauthd audit takes --account, --since/],
    [runAudit, ['--all'], /audit takes --account/],
    [runAudit, ['--account', 'AC1'], /--account must be an account SID or an MA_ id/],
    [runAudit, ['--resource', 'x'], /--resource must be a SID/],
    [runAudit, ['--action', 'toString'], /--action must be one of account\.create/],
    [runAudit, ['--limit', 'all'], /--limit must be a number/],
    [runAudit, ['--since', 'yesterday'], /--since must be a time like/],
    [runAudit, ['--until', '2026-13-01'], /--until must be a time like/],
    [runMirror, [], /mirror takes one of check, rebuild/],
    [runMirror, ['check', 'all'], /mirror takes one of/],
    [runMirror, ['check'], /REDIS_URL must be set/],
    [runImport, [], /import takes a source/],
    [runImport, ['a.csv', 'b.csv'], /import takes a source/],
    [runImport, ['oracle://user:secret@host/db'], /^the source is no address of a database: postgres/],
    [runImport, ['a.csv', '--replace'], /import takes a source/],
    [runImport, ['a.csv', '--format', 'xml'], /--format is one of csv, pjsip/],
    [runImport, ['a.csv', '--account', 'AC1'], /--account takes an account SID/],
    [runImport, ['a.csv', '--realm', 'no_realm'], /--realm takes a host name/],
    [runImport, ['a.csv', '--default-realm', ''], /--default-realm takes a host name/],
    [runImport, ['a.csv', '--list', 'x'.repeat(65)], /--list takes a SID, or a name/],
    [runImport, ['a.csv', '--separator', ', '], /--separator takes a character/],
    [runExport, ['phones'], /export takes --account/],
    [runExport, ['--account', 'phones'], /export takes --account with a SID/],
  ]
  const print = () => t.fail('nothing is printed')
  for (const [run, args, message] of wrong) {
    await t.rejects(
      run({ config, log: createLog('silent'), args, print }),
      { name: 'UsageError', message },
      args.join(' '),
    )
  }
  for (const [args, message] of [
    [['toString'], /^sipauthd: there is no command "toString"; sipauthd help lists them\n$/],
    [['account', 'suspend'], /^sipauthd: sipauthd account suspend takes an account SID\n$/],
  ] as const) {
    t.match(await runSipauthd(args, KNOWN_TOKENS), { code: 2, stdout: '', stderr: message })
  }
})

t.test('an account is created and listed without the management API, on the embedded database too', async (t) => {
  const env = { DATA_DIR: await embeddedFolder({ empty: true }), LOG_LEVEL: 'warn' }
  const created = await runSipauthd(['account', 'create', 'Rosa', '&', 'Söhne'], env)
  t.equal(created.code, 0)
  const [account] = jsonLines(created.stdout)
  const sid = String(account?.sid)
  t.match(account, {
    sid: /^AC[0-9a-f]{32}$/,
    auth_id: /^MA_[A-Z0-9]{20}$/,
    friendly_name: 'Rosa & Söhne',
    status: 'active',
    realm: /^ma-[a-z0-9]{20}\.sip\.localhost$/,
    auth_token: /^[0-9a-f]{32}$/,
  })
  const listed = await runSipauthd(['account', 'list', '--status=active'], env)
  t.match(jsonLines(listed.stdout), [{ sid, friendly_name: 'Rosa & Söhne', auth_token: undefined }, {}])
})

t.test('an account that is suspended on the command line authenticates nowhere within a second', async (t) => {
  const env = { ...KNOWN_TOKENS, DATABASE_URL: await postgres.createDatabase(), REDIS_URL: redis.url }
  const server = await startSipauthd(t, { env })
  const created = await runSipauthd(['account', 'create', 'a tenant'], env)
  const { sid, auth_token: token } = jsonLines(created.stdout)[0] as { sid: string; auth_token: string }
  const tenant = await createTenant(server.api, REALM, { sid, token })
  await tenant.add('alice')
  const proxy = createProxy(server.auth, REALM)
  t.match(await proxy.attempt(), { status: 200 })

  const suspended = await runSipauthd(['account', 'suspend', sid], env)
  t.match(suspended, { code: 0 })
  t.match(jsonLines(suspended.stdout), [{ sid, status: 'suspended', auth_token: undefined }])
  const refused = await withinASecond(async () => {
    const verdict = await proxy.attempt()
    return verdict.status === 200 ? undefined : verdict
  })
  t.match(refused, { status: 403, json: { reason: 'disabled' } })
  t.match(await tenant.request('SIP/CredentialLists.json'), { status: 401, json: { code: 20005 } })
  t.equal(await redis.cli('hget', `sipauth:cred:${REALM}:alice`, 'ha1'), '')

  const headers = { authorization: `Basic ${Buffer.from(`${MASTER.sid}:${MASTER.token}`).toString('base64')}` }
  await ask(`${server.api}/2010-04-01/Accounts/${sid}.json`, { headers, form: { Status: 'active' } })
  t.match(await proxy.attempt(), { status: 200 }, 'and again when it is active')

  const listed = await runSipauthd(['account', 'list'], env)
  t.equal((await runSipauthd(['account', 'list', '--status', 'closed'], env)).stdout, '')
  const names = jsonLines(listed.stdout).map(({ friendly_name: name }) => name)
  t.same(names, ['a tenant', 'master'], 'the newest account stands first')
  const master = await runSipauthd(['account', 'suspend', MASTER.sid], env)
  t.match(master, { code: 2, stdout: '', stderr: /master/ }, 'the master account stays')
  const unknown = await runSipauthd(['account', 'suspend', `AC${'0'.repeat(32)}`], env)
  t.match(unknown, { code: 2, stdout: '', stderr: /names no account/ })
})

t.test('migrate brings the schema up to date, once', async (t) => {
  const DATA_DIR = await scratchFolder('data')
  const env = { DATA_DIR, DATABASE_URL: await postgres.createDatabase(), LOG_LEVEL: 'warn' }
  const many = await Promise.all([1, 2, 3].map(() => runSipauthd(['migrate'], env)))
  t.same(
    many.map(({ code, stderr }) => [code, stderr]),
    [
      [0, ''],
      [0, ''],
      [0, ''],
    ],
    'several nodes may start at once',
  )
  t.equal(many.filter(({ stdout }) => /^migrated .*_initial$/m.test(stdout)).length, 1)
  t.match(await runSipauthd(['migrate'], env), { code: 0, stdout: 'the schema is up to date\n' })
})

t.test('a command with a DATA_DIR that is not the servers’ makes no second master of their database', async (t) => {
  const DATABASE_URL = await postgres.createDatabase()
  const servers = { DATABASE_URL, DATA_DIR: await scratchFolder('servers') }
  const elsewhere = { DATABASE_URL, DATA_DIR: await scratchFolder('elsewhere') }
  const first = await runSipauthd(['account', 'list'], servers)
  t.equal(first.code, 0, first.stderr)
  const [master] = jsonLines(first.stdout)
  for (const args of [
    ['account', 'list'],
    ['account', 'create', 'Foo'],
  ]) {
    const { code, stdout, stderr } = await runSipauthd(args, elsewhere)
    t.same([code, stdout], [2, ''])
    t.match(stderr, /MASTER_ACCOUNT_SID is not set.*is not the master of this database/)
  }
  const named = await runSipauthd(['account', 'list'], { ...elsewhere, MASTER_ACCOUNT_SID: String(master?.sid) })
  t.same(named.stdout, first.stdout)
})
