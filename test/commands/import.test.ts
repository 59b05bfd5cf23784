import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { join } from 'node:path'
import mysql from 'mysql2'
import pg from 'pg'
import t, { type Test } from 'tap'
import type { Command } from '../../src/commands/command.js'
import { runExport } from '../../src/commands/export.js'
import { runImport } from '../../src/commands/import.js'
import { readConfig } from '../../src/config.js'
import { compareMirror } from '../../src/mirror/compare.js'
import { computeHa1s } from '../../src/provision/ha1s.js'
import type { RedisClient } from '../../src/redis/client.js'
import { createTruth } from '../../src/truth.js'
import { startMariadb } from '../fixtures/mariadb.js'
import { startPostgres } from '../fixtures/postgres.js'
import { runProcess, startProcess } from '../fixtures/process.js'
import { startRedis } from '../fixtures/redis.js'
import { scratchFolder } from '../fixtures/scratch.js'
import { runSipauthd, sipauthdCommand, startSipauthd } from '../fixtures/sipauthd.js'
import { createTenant, KNOWN_TOKENS } from '../fixtures/tenant.js'
import { until } from '../fixtures/until.js'
import { createProxy, type VerifyAnswer } from '../lookup/proxy.js'
import { openRedis, openStore, SILENT } from '../provision/stage.js'

const postgres = await startPostgres(t)
const server = await startRedis(t)
const redis = await openRedis(t, server.url)
const folder = await scratchFolder('import')
const DATA_DIR = await scratchFolder('data')

const KAMAILIO_SCHEMAS = '/usr/share/kamailio'
const REALM = 'sip.example.com'
const HA1 = '0123456789abcdef0123456789abcdef'

/** An empty database and Redis, and the commands in this process. */
async function createPlace(redisUrl: string | undefined = server.url) {
  await redis.flushall()
  const url = await postgres.createDatabase()
  const env = { ...KNOWN_TOKENS, DATA_DIR, DATABASE_URL: url, ...(redisUrl && { REDIS_URL: redisUrl }) }
  const { pool } = await openStore(t, url)
  async function run(command: Command, args: readonly string[]): Promise<{ code: number; stdout: string }> {
    let stdout = ''
    const print = (text: string) => {
      stdout += text
    }
    return { code: await command({ config: readConfig(env), log: SILENT, args, print }), stdout }
  }
  return {
    ...{ env, pool },
    /** Imports, and answers what was printed and reported. */
    async import(...args: string[]) {
      const path = join(folder, 'report.csv')
      const { code, stdout } = await run(runImport, ['--report', path, ...args])
      return { code, stdout, report: readFileSync(path, 'utf8').trim().split('\n').slice(1) }
    },
    async export(...args: string[]): Promise<string> {
      const path = join(await scratchFolder('export'), 'users.csv')
      await run(runExport, [...args, '--output', path])
      return path
    },
  }
}

function file(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

/** The HA1s that Redis has for a user. */
async function ha1sOf(username: string, realm = REALM): Promise<Record<string, string>> {
  const { v, sid, account, list, ...ha1s } = await redis.hgetall(`sipauth:cred:${realm}:${username}`)
  return ha1s
}

async function querySource(url: string, statements: readonly string[]): Promise<void> {
  if (url.startsWith('mysql:')) {
    const connection = mysql.createConnection({ uri: url, multipleStatements: true })
    for (const sql of statements) await connection.promise().query(sql)
    return connection.destroy()
  }
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  for (const sql of statements) await client.query(sql)
  await client.end()
}

/** Creates Kamailio's own tables, by the schema of its package. */
async function createSubscribers(url: string, kind: 'postgres' | 'mysql', statements: readonly string[]) {
  const schema = (name: string) => readFileSync(join(KAMAILIO_SCHEMAS, kind, `${name}-create.sql`), 'utf8')
  await querySource(url, [schema('standard'), schema('auth_db'), ...statements])
}

t.test("Kamailio's subscriber table in PostgreSQL is read with its clear passwords, its HA1s, and both", async (t) => {
  const place = await createPlace()
  const source = await postgres.createDatabase()
  const { ha1, ha1b } = computeHa1s('both', REALM, 'short')
  await createSubscribers(source, 'postgres', [
    `insert into subscriber (username, domain, password, ha1, ha1b) values
       ('clear', '${REALM}', 'short', '', ''), ('hashed', '${REALM}', '', '${HA1}', '${HA1}'),
       ('both', '${REALM}', 'short', '${ha1}', '${ha1b}'), ('wrong', '${REALM}', 'other', '${ha1}', ''),
       ('elsewhere', 'other.example.com', 'short', '', '')`,
  ])
  const { code, stdout, report } = await place.import(source)
  t.match(stdout, '5 rows: 4 created, 0 updated, 0 unchanged, 1 refused\n')
  t.equal(code, 1, 'some were refused')
  t.same(report, [`4,wrong,${REALM},its password and its ha1 differ`])
  t.same(await ha1sOf('clear'), computeHa1s('clear', REALM, 'short'))
  t.same(await ha1sOf('hashed'), { ha1: HA1, ha1b: HA1 })
  t.same(await ha1sOf('both'), computeHa1s('both', REALM, 'short'))
  t.same(await ha1sOf('elsewhere', 'other.example.com'), computeHa1s('elsewhere', 'other.example.com', 'short'))
  const { rows } = await place.pool.query('select friendly_name, realm from credential_lists order by seq')
  t.same(
    rows,
    [REALM, 'other.example.com'].map((realm) => ({ friendly_name: realm, realm })),
    'a list for each realm',
  )
  await t.rejects(place.import(source, '--table', 'nothing.here'), { code: '42P01' })
  await t.rejects(place.import(source, '--table', 'version'), /^the table has no column username$/)
})

t.test("OpenSIPS's subscriber table in MariaDB is read with its SHA hashes", async (t) => {
  const [place, mariadb] = [await createPlace(), await startMariadb(t)]
  await querySource(mariadb.url(''), ['create database opensips'])
  const all = computeHa1s('hashed', REALM, 'pässword')
  await createSubscribers(mariadb.url('opensips'), 'mysql', [
    'alter table subscriber add ha1_sha256 char(64), add ha1_sha512t256 char(64)',
    `insert into subscriber (username, domain, password, ha1, ha1_sha256, ha1_sha512t256) values
       ('hashed', '${REALM}', '', '${all.ha1}', '${all.ha1_sha256}', '${all.ha1_sha512_256}'),
       ('clear', '${REALM}', 'pässword', '', null, null)`,
    'create table `odd name` as select username, domain, password from subscriber',
  ])
  t.match(await place.import(mariadb.url('opensips')), { code: 0, stdout: /^2 rows: 2 created/ })
  const { ha1, ha1_sha256, ha1_sha512_256 } = all
  t.same(await ha1sOf('hashed'), { ha1, ha1_sha256, ha1_sha512_256 })
  t.same(await ha1sOf('clear'), computeHa1s('clear', REALM, 'pässword'))
  t.same(Object.keys(await redis.hgetall(`sipauth:realm:${REALM}`)), [], 'everybody can answer every challenge')
  const odd = await place.import(mariadb.url('opensips').replace('mysql:', 'mariadb:'), '--table', 'odd name')
  t.match(odd, { code: 1, stdout: /^2 rows: 0 created, 0 updated, 1 unchanged, 1 refused/ })
  t.same(odd.report, [`1,hashed,${REALM},has neither a password nor an MD5 HA1`])
  await t.rejects(place.import(mariadb.url('opensips'), '--table', 'nothing'), { code: 'ER_NO_SUCH_TABLE' })
})

t.test("Asterisk's pjsip.conf is known by its name and by its first words, and its users log in", async (t) => {
  const place = await createPlace()
  const conf = `; users
[phone](!)
type=auth
[6001](phone)
username=6001
password=secret
[6002](phone)
auth_type=md5
username=6002
md5_cred=${HA1}
realm=pbx.example.com
`
  const first = await place.import(file('pjsip.conf', conf), '--default-realm', REALM)
  t.match(first, { code: 0, stdout: '2 rows: 2 created, 0 updated, 0 unchanged, 0 refused\n' })
  t.same(await ha1sOf('6001'), computeHa1s('6001', REALM, 'secret'))
  t.same(await ha1sOf('6002', 'pbx.example.com'), { ha1: HA1 })
  t.match(await place.import(file('users', conf), '--default-realm', REALM), { stdout: /2 unchanged, 0 refused/ })
  t.match(await place.import(file('users', conf)), { code: 1, report: [/^4,6001,,has no realm: /] })
  await t.rejects(place.import(file('users', conf), '--format', 'csv'), { name: 'UsageError' })
  await t.rejects(place.import(join(folder, 'missing.csv')), /missing\.csv cannot be read: ENOENT/)
})

t.test('a dry run tells what a run would do, and writes nothing', async (t) => {
  const place = await createPlace()
  const source = file(
    'dry.csv',
    `username,domain,password,ha1
alice,${REALM},one,
bob,${REALM},,${HA1}
alice,${REALM},one,
alice,${REALM},two,
carol,master.sip.localhost,one,
dave,,one,
eve,${REALM},,zz
`,
  )
  await querySource(place.env.DATABASE_URL, [
    `insert into accounts (sid, auth_id, friendly_name, realm)
     values ('AC${'c'.repeat(32)}', 'MA_C', 'c', 'master.sip.localhost')`,
    `insert into realms (realm, account_sid, version) values ('master.sip.localhost', 'AC${'c'.repeat(32)}', 1)`,
  ])
  const state = async () => {
    const { rows } = await place.pool.query(
      `select (select count(*)::int from credentials) as credentials, (select count(*)::int from audit) as audit,
              (select count(*)::int from credential_lists) as lists, (select count(*)::int from outbox) as outbox`,
    )
    return { ...rows[0], keys: await redis.keys('sipauth:*') }
  }
  // Whatever opens a new database writes the master account down.
  await place.export()
  const before = await state()
  for (const args of [[], ['--update']]) {
    const dry = await place.import(source, '--dry-run', ...args)
    t.same(await state(), before)
    t.match(dry.stdout, /^dry run, nothing is written: 7 rows: 2 created/)
    if (args.length === 0) t.match(dry.stdout, /1 unchanged, 4 refused\n$/)
  }
  const dry = await place.import(source, '--dry-run')
  const real = await place.import(source)
  t.same([...real.report].sort(), [...dry.report].sort(), 'every refused row is the same one')
  t.equal(`dry run, nothing is written: ${real.stdout}`, dry.stdout)
  t.equal(statSync(join(folder, 'report.csv')).mode & 0o777, 0o600)
  t.same(real.report.map((line) => Number.parseInt(line, 10)).sort(), [5, 6, 7, 8])
  const again = await place.import(source, '--dry-run')
  t.match(again.stdout, /7 rows: 0 created, 0 updated, 3 unchanged, 4 refused/)
})

const [A, B] = [`AC${'a'.repeat(32)}`, `AC${'b'.repeat(32)}`]
const MD5 = computeHa1s('alice', REALM, 'x')

/** Files whose later rows meet what the earlier have made, with their counts, without and with --update. */
const MEETING: Readonly<Record<string, readonly (readonly [rows: string, plain: string, updating: string])[]>> = {
  'username,realm,list,password': [
    [
      'alice,a.example.com,phones,x\nbob,b.example.com,phones,x',
      '1 created, 0 updated, 0 unchanged, 1 refused',
      '1 created, 0 updated, 0 unchanged, 1 refused',
    ],
    [
      `alice,${REALM},one,x\nalice,${REALM},two,x\nalice,${REALM},one,x`,
      '1 created, 0 updated, 1 unchanged, 1 refused',
      '1 created, 0 updated, 1 unchanged, 1 refused',
    ],
  ],
  'username,realm,enabled,description,password': [
    [
      `alice,${REALM},,,x\nalice,${REALM},true,,x\nalice,${REALM},false,,x\nalice,${REALM},,,x`,
      '1 created, 0 updated, 2 unchanged, 1 refused',
      '1 created, 1 updated, 2 unchanged, 0 refused',
    ],
    [
      `here,${REALM},,,other\nhere,${REALM},,,x\nhere,${REALM},,d,x\nhere,${REALM},,d,x`,
      '0 created, 0 updated, 1 unchanged, 3 refused',
      '0 created, 3 updated, 1 unchanged, 0 refused',
    ],
  ],
  'username,realm,ha1,ha1_sha256': [
    [
      `alice,${REALM},${MD5.ha1},\nalice,${REALM},${MD5.ha1},${MD5.ha1_sha256}\nalice,${REALM},${MD5.ha1},`,
      '1 created, 0 updated, 1 unchanged, 1 refused',
      '1 created, 1 updated, 1 unchanged, 0 refused',
    ],
    [
      `alice,${REALM},${MD5.ha1},${MD5.ha1_sha256}\nalice,${REALM},${HA1},\nalice,${REALM},${MD5.ha1},`,
      '1 created, 0 updated, 1 unchanged, 1 refused',
      '1 created, 2 updated, 0 unchanged, 0 refused',
    ],
  ],
  'username,realm,account,password': [
    [
      `alice,a.example.com,${A},x\nbob,a.example.com,${B},x\ncarol,b.example.com,${B},x`,
      '2 created, 0 updated, 0 unchanged, 1 refused',
      '2 created, 0 updated, 0 unchanged, 1 refused',
    ],
  ],
}

t.test('a dry run gives the same counts and the same report where rows of a file meet each other', async (t) => {
  const place = await createPlace()
  const seed = file('seed.csv', `username,realm,password\nhere,${REALM},x\n`)
  await place.import(seed)
  for (const account of [A, B]) {
    await place.pool.query('insert into accounts (sid, auth_id, friendly_name, realm) values ($1, $2, $1, $3)', [
      account,
      `MA_${account.slice(0, 4)}`,
      `${account.slice(0, 4).toLowerCase()}.sip.localhost`,
    ])
  }
  for (const [header, cases] of Object.entries(MEETING)) {
    for (const [rows, ...expected] of cases) {
      const source = file('meeting.csv', `${header}\n${rows}\n`)
      for (const [index, args] of [[], ['--update']].entries()) {
        const dry = await place.import(source, '--dry-run', ...args)
        const real = await place.import(source, ...args)
        t.match(real.stdout, expected[index], `${args.join()} ${rows}`)
        t.equal(dry.stdout, `dry run, nothing is written: ${real.stdout}`, `${args.join()} ${rows}`)
        t.same(dry, { ...real, stdout: dry.stdout })
        await place.pool.query('delete from credentials; delete from credential_lists; delete from realms')
        await place.import(seed)
      }
    }
  }
})

/** A way to the database that breaks when somebody writes credentials, as a server that crashes does. */
async function startBreakingWay(t: Test, url: string): Promise<string> {
  const { username, hostname, port, pathname } = new URL(url)
  const folderOfServer = decodeURIComponent(hostname)
  const way = createServer((socket) => {
    const server = connect(join(folderOfServer, `.s.PGSQL.${port}`))
    server.on('error', () => socket.destroy()).on('close', () => socket.destroy())
    socket.on('error', () => server.destroy()).on('close', () => server.destroy())
    server.pipe(socket)
    socket.on('data', (chunk) => {
      if (chunk.includes('insert into credentials')) socket.resetAndDestroy()
      else server.write(chunk)
    })
  })
  await new Promise<void>((resolve) => way.listen(0, '127.0.0.1', resolve))
  t.teardown(() => way.close())
  return `postgres://${username}@127.0.0.1:${(way.address() as AddressInfo).port}${pathname}`
}

t.test(
  'a database that breaks is no fault of the file: what is there stays, and a second run completes it',
  async (t) => {
    const place = await createPlace()
    const source = file('broken.csv', `username,realm,password\nalice,${REALM},x\nbob,,x\n`)
    const url = await startBreakingWay(t, place.env.DATABASE_URL)
    const broken = await runSipauthd(['import', source], { ...place.env, DATABASE_URL: url })
    t.equal(broken.code, 1)
    t.match(broken.stderr, 'broken off after 2 rows: 0 created, 0 updated, 0 unchanged, 1 refused')
    t.match(broken.stderr, 'the same import, run again, completes it')
    t.match(broken.stderr, /^sipauthd: .*(ECONNRESET|terminated)/m)
    t.match(await place.import(source), { stdout: /^2 rows: 1 created/ })
  },
)

t.test('no part of a file is shown that may be a password, and nothing that a terminal obeys', async (t) => {
  const place = await createPlace()
  const columns = file('headless', `#hunter2secret,${REALM},hunter2secret\nb\u001b[2J,\u202e${'r'.repeat(300)},x\n`)
  const { stdout, report } = await place.import(columns, '--columns', 'username,realm,password')
  t.match(stdout, /^2 rows: 1 created, 0 updated, 0 unchanged, 1 refused/, 'it is CSV, whatever its first user is')
  t.match(report, [/^2,b\\u001b\[2J,\\u202er{63}…,/])
  const conf = file('passwords.conf', '[a]\n#password=hunter2secret\nhunter2secret\n#hunter2secret x\n')
  const refused = await place.import(conf)
  t.equal(refused.report.length, 3)
  t.notMatch(refused.report.join('\n'), /hunter2/)
  await t.rejects(place.import(columns, '--report', folder), { name: 'UsageError' })
})

t.test('lists and accounts are those of the command line, else those of the rows', async (t) => {
  const place = await createPlace()
  const source = file('lists.csv', `username,realm,list,password\nalice,${REALM},phones,x\nbob,b.example.com,,x\n`)
  await place.import(source)
  const named = file('named.csv', `username,realm,password\ncarol,,x\ndave,b.example.com,x\n`)
  t.match(await place.import(named, '--list', 'doors', '--default-realm', 'doors.example.com'), { code: 0 })
  t.match(await place.import(named, '--list', 'doors'), { stdout: /2 unchanged/ }, 'a list gives its realm')
  const { rows } = await place.pool.query(
    `select l.friendly_name as list, c.realm, c.username from credentials c
     join credential_lists l on l.sid = c.list_sid order by c.username`,
  )
  t.same(rows, [
    { list: 'phones', realm: REALM, username: 'alice' },
    { list: 'b.example.com', realm: 'b.example.com', username: 'bob' },
    { list: 'doors', realm: 'doors.example.com', username: 'carol' },
    { list: 'b.example.com', realm: 'b.example.com', username: 'dave' },
  ])
  const wrong = await place.import(source, '--realm', 'doors.example.com')
  t.match(wrong.report[0], /alice,doors.example.com,"the list ""phones"" has another realm"/)
  await t.rejects(place.import(source, '--account', `AC${'0'.repeat(32)}`), /^--account names no account$/)
  await t.rejects(place.import(source, '--list', `CL${'0'.repeat(32)}`), /^--list names no credential list/)
})

t.test('an import that is killed at any instant and run again ends complete, in both stores', async (t) => {
  const place = await createPlace()
  const users = Array.from({ length: 6_000 }, (_, index) => `user${index},${REALM},secret${index}`)
  const source = file('many.csv', ['username,domain,password', ...users].join('\n'))
  const count = async () => {
    const { rows } = await place.pool.query<{ n: number }>('select count(*)::int as n from credentials')
    return rows[0]?.n ?? 0
  }
  for (const atLeast of [1, 2_000]) {
    const running = await startProcess(t, await sipauthdCommand(['import', source], place.env))
    const release = await holdCredentials(place.pool, atLeast)
    await running.stop('SIGKILL')
    await release()
  }
  t.ok((await count()) < users.length, 'it was killed before its end')
  t.equal((await count()) % 1_000, 0, 'batches are whole')
  const { code, stdout } = await place.import(source)
  t.equal(code, 0)
  t.match(stdout, /^6000 rows: [1-9]\d* created, 0 updated, [1-9]\d* unchanged, 0 refused/)
  t.equal(await count(), users.length)
  const { rows } = await place.pool.query('select from outbox')
  t.equal(rows.length, 0, 'what the killed ones had left is mirrored too')
  t.same(await differences(redis, place.pool), [])

  const { command, args, env } = await sipauthdCommand(['export'], place.env)
  const head = { command: 'bash', args: ['-c', 'set -o pipefail; "$@" | head -n 1', 'bash', command, ...args], env }
  const { code: ended, stdout: first, stderr } = await runProcess(head)
  t.same([ended, stderr], [0, ''], 'an export of which only the beginning is read ends quietly')
  t.match(first, /^account,list,username.*\n$/)
})

/** Keeps everybody from writing credentials when there are so many: what is looked at goes on no further. */
async function holdCredentials(pool: pg.Pool, atLeast: number): Promise<() => Promise<void>> {
  const tx = await pool.connect()
  await until(async () => {
    await tx.query('rollback; begin; lock table credentials in share mode')
    const { rows } = await tx.query<{ n: number }>('select count(*)::int as n from credentials')
    if ((rows[0]?.n ?? 0) >= atLeast) return true
    await tx.query('rollback')
    return false
  })
  return async () => {
    await tx.query('rollback')
    tx.release()
  }
}

async function differences(client: RedisClient, pool: pg.Pool): Promise<unknown[]> {
  const found: unknown[] = []
  for await (const difference of compareMirror(client, createTruth(pool))) found.push(difference)
  return found
}

t.test('what is exported and imported elsewhere is the same in Redis', async (t) => {
  const place = await createPlace()
  const source = file(
    'origin.csv',
    `username,realm,list,enabled,description,password,ha1
alice,${REALM},phones,true,"a ""quoted"",
text; =1+1",secret,
bob,${REALM},doors,false,,secret,
carol,b.example.com,others,1,,,${HA1}
a+b;c@d,b.example.com,others,,,x,
`,
  )
  t.match(await place.import(source), { code: 0 })
  const records = async () => {
    const keys = (await redis.keys('sipauth:*:*')).filter((key) => key !== 'sipauth:mirror').sort()
    return Promise.all(
      keys.map(async (key) => {
        const { v, sid, list, account, ...rest } = await redis.hgetall(key)
        return [key, rest]
      }),
    )
  }
  const before = await records()
  t.equal(before.length, 5, 'four users, and a realm with one who has MD5 alone')
  const [all, one] = [await place.export(), await place.export('--list', 'doors')]
  t.equal(statSync(all).mode & 0o777, 0o600, 'an export is for its owner alone')
  t.equal(readFileSync(one, 'utf8').trim().split('\n').length, 2)
  const elsewhere = await createPlace()
  t.match(await elsewhere.import(all), { code: 0, stdout: '4 rows: 4 created, 0 updated, 0 unchanged, 0 refused\n' })
  t.same(await records(), before)
  t.equal(readFileSync(await elsewhere.export(), 'utf8'), readFileSync(all, 'utf8'), 'and is exported the same')
})

t.test('users with an MD5 hash alone are challenged with MD5 alone until they have a password', async (t) => {
  // Two servers without Redis hear of imports through PostgreSQL alone.
  const place = await createPlace('')
  const sipauthd = await startSipauthd(t, { env: place.env })
  const tenant = await createTenant(sipauthd.api, 'none.example.com')
  const form = { FriendlyName: 'sha', Realm: REALM, Algorithms: 'SHA-256,MD5' }
  const list = (await tenant.request('SIP/CredentialLists.json', form)).json as { sid: string }
  const proxy = createProxy(sipauthd.auth, REALM)
  const offered = async () => {
    const { headers } = (await proxy.verify()).json as VerifyAnswer
    return headers.map((line) => /algorithm=([\w-]+)/.exec(line)?.[1])
  }
  t.same(await offered(), ['SHA-256', 'MD5'])
  const { ha1 } = computeHa1s('alice', REALM, 'weak')
  const source = file('md5.csv', `username,ha1\nalice,${ha1}\n`)
  t.match(await place.import(source, '--list', list.sid), { code: 0 })
  await until(async () => (await offered()).join() === 'MD5')
  t.match(await proxy.attempt({ username: 'alice', password: 'weak' }), { status: 200 })
  t.match(await proxy.attempt({ username: 'alice', password: 'wrong' }), { status: 401 })
  const path = `SIP/CredentialLists/${list.sid}/Credentials`
  const { credentials } = (await tenant.request(`${path}.json`)).json as { credentials: { sid: string }[] }
  const Password = 'Correct-Horse-42'
  t.match(await tenant.request(`${path}/${credentials[0]?.sid}.json`, { Password }), { status: 200 })
  t.same(await offered(), ['SHA-256', 'MD5'], 'at once, on the node that answered')
  t.match(await proxy.attempt({ username: 'alice', password: Password }), { status: 200 })
})
