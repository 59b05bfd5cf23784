import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { computeHa1s } from '../src/provision/ha1s.js'
import { createSid } from '../src/sid.js'
import { type Postgres, startPostgres } from '../test/fixtures/postgres.js'
import { type Redis, startRedis } from '../test/fixtures/redis.js'
import { scratchFolder } from '../test/fixtures/scratch.js'
import { runSipauthd } from '../test/fixtures/sipauthd.js'
import type { Row } from './report.js'
import { sideBySide } from './rounds.js'

const ROWS = 50_000
const BATCH = 1_000
const ROUNDS = 3
const REALM = 'pbx.example.com'

/** `sipauthd import` as a process, mirror in Redis included, beside bare inserts of the same rows in the same batches. */
export async function benchmarkImport(): Promise<Row[]> {
  const [postgres, redis, folder] = [
    await startPostgres(undefined),
    await startRedis(undefined),
    await scratchFolder('import'),
  ]
  const bare = async () => bareInserts(await postgres.createDatabase())
  const rows: Row[] = []
  for (const [what, toLine] of Object.entries(SOURCES)) {
    const file = join(folder, `${what}.csv`)
    writeFileSync(file, Array.from({ length: ROWS + 1 }, (_, index) => toLine(index)).join('\n'))
    const figures = await sideBySide(() => imports(postgres, redis, file), bare, ROUNDS)
    rows.push({ what: `import of ${what}`, limitIs: 'bare inserts of HA1s', unit: '/s', ...figures })
  }
  await redis.stop()
  await postgres.stop()
  return rows
}

/** The lines of a source; the first is its header. */
const SOURCES: Readonly<Record<string, (index: number) => string>> = {
  'clear passwords': (index) =>
    index === 0 ? 'username,domain,password' : `user${index},${REALM},Correct-Horse-${index}`,
  HA1s: (index) => (index === 0 ? 'username,domain,ha1,ha1b' : `user${index},${REALM},${toHex(index)},${toHex(index)}`),
}

function toHex(index: number): string {
  return index.toString(16).padStart(32, '0')
}

/** Rows a second, from the start of the process to its end. */
async function imports(postgres: Postgres, redis: Redis, file: string): Promise<number> {
  await redis.cli('FLUSHALL')
  const env = { DATABASE_URL: await postgres.createDatabase(), REDIS_URL: redis.url, LOG_LEVEL: 'error' }
  await runSipauthd(['migrate'], env)
  const start = process.hrtime.bigint()
  const { code, stdout, stderr } = await runSipauthd(['import', file], env)
  const seconds = Number(process.hrtime.bigint() - start) / 1e9
  if (code !== 0 || !stdout.includes(`${ROWS} created`)) throw new Error(`the import failed: ${stdout}${stderr}`)
  return ROWS / seconds
}

/** The database alone: the same columns and keys, made before the clock starts, in one statement for each batch. */
async function bareInserts(url: string): Promise<number> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query(`create table credentials (
    seq bigint generated always as identity unique, sid text primary key, realm text not null, username text not null,
    ha1 text, ha1_sha256 text, ha1_sha512_256 text, ha1b text, ha1b_sha256 text, ha1b_sha512_256 text,
    unique (realm, username))`)
  const batches = Array.from({ length: ROWS / BATCH }, (_, batch) => columnsOf(batch * BATCH))
  const start = process.hrtime.bigint()
  for (const columns of batches) {
    await client.query(
      `insert into credentials (sid, realm, username, ha1, ha1_sha256, ha1_sha512_256, ha1b, ha1b_sha256, ha1b_sha512_256)
       select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
                            $8::text[], $9::text[])`,
      columns,
    )
  }
  const seconds = Number(process.hrtime.bigint() - start) / 1e9
  await client.end()
  return ROWS / seconds
}

function columnsOf(first: number): string[][] {
  const names = Array.from({ length: BATCH }, (_, index) => `user${first + index}`)
  const ha1s = names.map((name) => Object.values(computeHa1s(name, REALM, 'Correct-Horse-42')))
  const fields = ha1s[0] ?? []
  return [
    names.map(() => createSid('credential')),
    names.map(() => REALM),
    names,
    ...fields.map((_, field) => ha1s.map((each) => each[field] ?? '')),
  ]
}
