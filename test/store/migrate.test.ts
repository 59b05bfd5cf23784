import { runner } from 'node-pg-migrate'
import t from 'tap'
import { HA1_FIELDS, type Ha1Field } from '../../src/credential.js'
import { computeHa1s } from '../../src/provision/ha1s.js'
import type { Database } from '../../src/store/database.js'
import { openEmbedded } from '../../src/store/embedded.js'
import { findPresentCredentials } from '../../src/store/imported-credentials.js'
import { readDecoySecret } from '../../src/store/instance.js'
import { migrate } from '../../src/store/migrate.js'
import { findMirroredCredentials } from '../../src/store/mirrored-credentials.js'
import { openPostgres } from '../../src/store/postgres.js'
import { embeddedFolder } from '../fixtures/embedded-folder.js'
import { startPostgres } from '../fixtures/postgres.js'
import { projectPath } from '../fixtures/project.js'
import { scratchFolder } from '../fixtures/scratch.js'
import { runSipauthd } from '../fixtures/sipauthd.js'
import { PASSWORD, SILENT } from '../provision/stage.js'

type Tap = typeof t

const REALM = 'example.com'
const FIELDS: readonly Ha1Field[] = Object.values(HA1_FIELDS).flat()

const postgres = await startPostgres(t)

async function tables({ pool }: Database): Promise<string[]> {
  const { rows } = await pool.query<{ name: string }>(
    `select table_name as name from information_schema.tables where table_schema = 'public' order by 1`,
  )
  return rows.map(({ name }) => name)
}

const TABLES = [
  ...['account_sweeps', 'accounts', 'audit', 'credential_lists', 'credentials', 'domain_credential_lists'],
  ...['domain_ip_access_control_lists', 'domains', 'instance', 'ip_access_control_lists', 'ip_addresses'],
  ...['outbox', 'realms', 'sipauthd_migrations'],
]

t.test('several processes that migrate one empty database at once all succeed, and one of them does it', async (t) => {
  const url = await postgres.createDatabase()
  const folders = []
  for (let n = 0; n < 4; n++) folders.push(await scratchFolder('data'))
  const runs = await Promise.all(
    folders.map((DATA_DIR) => runSipauthd(['migrate'], { DATABASE_URL: url, DATA_DIR, LOG_LEVEL: 'warn' })),
  )
  t.same(
    runs.map(({ code, stderr }) => ({ code, stderr })),
    Array(4).fill({ code: 0, stderr: '' }),
  )
  t.equal(runs.filter(({ stdout }) => /^migrated \d+_initial$/m.test(stdout)).length, 1)
  t.equal(runs.filter(({ stdout }) => stdout === 'the schema is up to date\n').length, 3)
  const database = openPostgres(url, SILENT)
  t.teardown(() => database.close())
  t.same(await tables(database), TABLES)
  t.match(await readDecoySecret(database.pool), /^[0-9a-f]{64}$/)
})

const DATABASES = {
  PostgreSQL: async () => openPostgres(await postgres.createDatabase(), SILENT),
  'the embedded database': async () => openEmbedded(await embeddedFolder({ empty: true }), SILENT),
} as const

for (const [name, open] of Object.entries(DATABASES)) {
  t.test(`on ${name} every migration goes up, down and up again, and a second time changes nothing`, async (t) => {
    const database = await open()
    t.teardown(() => database.close())
    const names = await migrate(database, SILENT)
    t.ok(names.length > 0)
    t.same(await tables(database), TABLES)
    t.same(await migrate(database, SILENT), [])
    await takeMd5Users(t, database)
    await migrateDown(database)
    t.same(await tables(database), ['sipauthd_migrations'])
    t.same(await migrate(database, SILENT), names)
    t.same(await tables(database), TABLES)
  })
}

/** Users of whom only one hash is known go back to a schema that wants six, and come forward again. */
async function takeMd5Users(t: Pick<Tap, 'match' | 'equal' | 'same'>, database: Database): Promise<void> {
  const { pool } = database
  const md5 = computeHa1s('alice', REALM, PASSWORD).ha1
  await pool.query(`insert into accounts (sid, auth_id, friendly_name, realm) values ('AC1', 'MA1', 'one', '${REALM}')`)
  await pool.query(`insert into realms (realm, account_sid, version) values ('${REALM}', 'AC1', 1)`)
  await pool.query(
    `insert into credential_lists (sid, account_sid, friendly_name, realm) values ('CL1', 'AC1', 'phones', '${REALM}')`,
  )
  await pool.query(
    `insert into credentials (sid, list_sid, account_sid, realm, username, version, ha1)
     values ('CR1', 'CL1', 'AC1', '${REALM}', 'alice', 2, '${md5}'), ('CR2', 'CL1', 'AC1', '${REALM}', 'bob', 3, '${md5}')`,
  )
  await pool.query(`update accounts set status = 'suspended'`)
  await pool.query(
    `insert into account_sweeps (account_sid, after_seq) select 'AC1', seq from credentials where username = 'alice'`,
  )
  await migrateDown(database, 1)
  const waiting = () => pool.query(`select * from outbox order by id`)
  t.match((await waiting()).rows, [{ realm: REALM, username: 'bob' }], 'whom a sweep had not come to is mirrored alone')
  const { rows } = await pool.query<Record<Ha1Field, string>>(`select ${FIELDS.join(', ')} from credentials`)
  const written = rows.flatMap(({ ha1, ...others }) => Object.entries(others))
  t.equal(new Set(written.map(([, value]) => value)).size, 10, 'no two are alike, and nobody can compute one')
  for (const [field, value] of written) t.match(value, /sha/.test(field) ? /^[0-9a-f]{64}$/ : /^[0-9a-f]{32}$/, field)
  await migrate(database, SILENT)
  const [, realm] = (await waiting()).rows
  t.match(realm, { kind: 'realm', name: REALM }, 'that it is of a suspended account is to be mirrored')
  const key = { realm: REALM, username: 'alice' }
  const [after] = await findMirroredCredentials(pool, [key])
  t.equal(after?.ha1s?.ha1, md5)

  await pool.query(`update credentials set ha1b = '', ha1_sha256 = 'x' where username = 'alice'`)
  const [odd] = await findMirroredCredentials(pool, [key])
  t.same(Object.keys(odd?.ha1s ?? {}).sort(), ['ha1', 'ha1_sha512_256', 'ha1b_sha256', 'ha1b_sha512_256'])
  const present = await findPresentCredentials(pool, REALM, ['alice'])
  t.same(present.get('alice')?.ha1s, odd?.ha1s, 'what is no HA1 is none')
  await pool.query(`update credentials set ha1 = '' where username = 'alice'`)
  const [without] = await findMirroredCredentials(pool, [key])
  t.equal(without?.ha1s, undefined, 'without the one for MD5 nobody is let in')
}

/** Takes migrations back, all or as many as it says, with the tool that knows them. */
async function migrateDown(database: Database, count = Number.POSITIVE_INFINITY): Promise<void> {
  const { client, close } = await database.openSession()
  await runner({
    dbClient: client,
    dir: projectPath('src/store/migrations'),
    migrationsTable: 'sipauthd_migrations',
    direction: 'down',
    count,
    log: () => undefined,
  })
  await close()
}
