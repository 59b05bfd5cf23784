import { runner } from 'node-pg-migrate'
import t from 'tap'
import type { Database } from '../../src/store/database.js'
import { openEmbedded } from '../../src/store/embedded.js'
import { readDecoySecret } from '../../src/store/instance.js'
import { migrate } from '../../src/store/migrate.js'
import { openPostgres } from '../../src/store/postgres.js'
import { embeddedFolder } from '../fixtures/embedded-folder.js'
import { startPostgres } from '../fixtures/postgres.js'
import { projectPath } from '../fixtures/project.js'
import { scratchFolder } from '../fixtures/scratch.js'
import { runSipauthd } from '../fixtures/sipauthd.js'
import { SILENT } from '../provision/stage.js'

const postgres = await startPostgres(t)

async function tables({ pool }: Database): Promise<string[]> {
  const { rows } = await pool.query<{ name: string }>(
    `select table_name as name from information_schema.tables where table_schema = 'public' order by 1`,
  )
  return rows.map(({ name }) => name)
}

const TABLES = [
  ...['accounts', 'audit', 'credential_lists', 'credentials', 'domain_credential_lists'],
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
  'the embedded database': async () => openEmbedded(await embeddedFolder(), SILENT),
} as const

for (const [name, open] of Object.entries(DATABASES)) {
  t.test(`on ${name} every migration goes up, down and up again, and a second time changes nothing`, async (t) => {
    const database = await open()
    t.teardown(() => database.close())
    const names = await migrate(database, SILENT)
    t.ok(names.length > 0)
    t.same(await tables(database), TABLES)
    t.same(await migrate(database, SILENT), [])
    await migrateDown(database)
    t.same(await tables(database), ['sipauthd_migrations'])
    t.same(await migrate(database, SILENT), names)
    t.same(await tables(database), TABLES)
  })
}

/** Takes all migrations back, with the tool that knows them. */
async function migrateDown(database: Database): Promise<void> {
  const { client, close } = await database.openSession()
  await runner({
    dbClient: client,
    dir: projectPath('src/store/migrations'),
    migrationsTable: 'sipauthd_migrations',
    direction: 'down',
    count: Number.POSITIVE_INFINITY,
    log: () => undefined,
  })
  await close()
}
