import t from 'tap'
import { inTransaction, isDatabaseUnavailable, violatedUnique } from '../../src/store/database.js'
import { openPostgres } from '../../src/store/postgres.js'
import { startPostgres } from '../fixtures/postgres.js'
import { until } from '../fixtures/until.js'
import { SILENT } from '../provision/stage.js'

const postgres = await startPostgres(t)
const database = openPostgres(await postgres.createDatabase(), SILENT)
t.teardown(() => database.close())
const { pool } = database
await pool.query('create table notes (id int primary key, text text constraint notes_text_key unique)')

async function notes(): Promise<number[]> {
  return (await pool.query<{ id: number }>('select id from notes order by id')).rows.map(({ id }) => id)
}

t.test('a transaction commits with its work, and rolls back with its failure', async (t) => {
  t.equal(await inTransaction(pool, async (tx) => (await tx.query('insert into notes values (1)')).rowCount), 1)
  const failing = inTransaction(pool, async (tx) => {
    await tx.query('insert into notes values (2)')
    throw new Error('no')
  })
  await t.rejects(failing, { message: 'no' })
  t.same(await notes(), [1])
})

t.test('a connection that breaks in the middle of a transaction fails it, and nothing else', async (t) => {
  const failing = inTransaction(pool, async (tx) => {
    await tx.query('insert into notes values (3)')
    const { rows } = await tx.query<{ pid: number }>('select pg_backend_pid() as pid')
    const ended = new Promise((resolve) => tx.once('end', resolve))
    await pool.query('select pg_terminate_backend($1)', [rows[0]?.pid])
    await ended // between two queries, when nobody waits for the connection
    await tx.query('select 1')
  })
  t.ok(isDatabaseUnavailable(await failing.catch((error: unknown) => error)))
  t.same(await notes(), [1])
  t.equal(pool.waitingCount, 0)
})

t.test('while all connections are held, the reserve still answers', async (t) => {
  const size = pool.options.max
  const held = await Promise.all(Array.from({ length: size }, () => pool.connect()))
  const waiting = pool.query('select 1')
  t.equal(pool.waitingCount, 1)
  t.match(await database.reserve.query('select 1 as one'), { rows: [{ one: 1 }] })
  t.equal(pool.waitingCount, 1, 'whoever writes waits on')
  for (const client of held) client.release()
  t.match(await waiting, { rowCount: 1 })
})

t.test('a server that hangs fails a write in time, and then all at once, until it answers again', async (t) => {
  const hanging = openPostgres(await postgres.createDatabase(), SILENT)
  t.teardown(() => hanging.close())
  const write = () => inTransaction(hanging.pool, (tx) => tx.query('create table if not exists hung (id int)'))
  await Promise.all([write(), write(), write()].map((each) => each.catch(() => undefined)))
  postgres.pause()
  t.teardown(() => postgres.resume())
  const first = await Promise.allSettled([write(), write(), write()])
  for (const each of first) t.ok(each.status === 'rejected' && isDatabaseUnavailable(each.reason))
  t.notOk(hanging.pool.waitingCount, 'nobody waits on')
  const next = await write().catch((error: unknown) => error)
  t.match(next, { message: 'connection error: PostgreSQL did not answer a moment ago' })
  t.ok(isDatabaseUnavailable(next))
  postgres.resume()
  await until(write)
  t.ok(await write())
})

t.test('what is broken on purpose and what is only away are told apart', async (t) => {
  const duplicate = await pool.query(`insert into notes values (4, 'x'), (5, 'x')`).catch((error: unknown) => error)
  t.equal(violatedUnique(duplicate), 'notes_text_key')
  t.notOk(isDatabaseUnavailable(duplicate))
  t.equal(violatedUnique(new Error('else')), undefined)
  const wrong = await pool.query('select nothing').catch((error: unknown) => error)
  t.notOk(isDatabaseUnavailable(wrong))
  const late = await pool.query(`set statement_timeout = 1; select pg_sleep(5)`).catch((error: unknown) => error)
  t.ok(isDatabaseUnavailable(late))
  const away = openPostgres('postgres://postgres@127.0.0.1:1/none', SILENT)
  t.teardown(() => away.close())
  t.ok(isDatabaseUnavailable(await away.pool.query('select 1').catch((error: unknown) => error)))
})

t.test('of two writers in a deadlock one goes on, and the other begins anew', async (t) => {
  await pool.query('insert into notes values (10), (11)')
  const lock = 'update notes set text = null where id = $1'
  let holding = 0
  let finished = 0
  const cross = async (first: number, second: number) => {
    let attempts = 0
    await inTransaction(pool, async (tx) => {
      // Whoever begins anew lets the other finish: what has just been given up is anybody's to take first.
      if (++attempts > 1) await until(() => finished === 1)
      await tx.query('set local deadlock_timeout = 10')
      await tx.query(lock, [first])
      holding++
      await until(() => holding >= 2)
      await tx.query(lock, [second])
    })
    finished++
    return attempts
  }
  const attempts = await Promise.all([cross(10, 11), cross(11, 10)])
  t.same(attempts.sort(), [1, 2], 'one of them ran twice')
})

t.test('a transaction that cannot succeed is tried three times, and is an outage then', async (t) => {
  let attempts = 0
  const failing = inTransaction(pool, async (tx) => {
    attempts++
    await tx.query(`do $$ begin raise exception 'not now' using errcode = '40001'; end $$`)
  })
  t.ok(isDatabaseUnavailable(await failing.catch((error: unknown) => error)))
  t.equal(attempts, 3)
  t.equal(pool.waitingCount, 0)
})

t.test('where a database is can be said without its password', (t) => {
  const { description } = openPostgres('postgres://user:secret@db.example.com:5433/sip?sslmode=require', SILENT)
  t.equal(description, 'postgres://db.example.com:5433/sip')
  t.end()
})
