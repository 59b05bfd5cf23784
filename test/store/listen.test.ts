import { pino } from 'pino'
import t from 'tap'
import { openPostgres } from '../../src/store/postgres.js'
import { startPostgres } from '../fixtures/postgres.js'
import { until } from '../fixtures/until.js'
import { SILENT } from '../provision/stage.js'

const postgres = await startPostgres(t)
const lines: string[] = []
const log = pino({ level: 'debug' }, { write: (line) => lines.push(line) })
const database = openPostgres(await postgres.createDatabase(), log)
t.teardown(() => database.close())
const { pool } = database

async function listen() {
  const heard: string[] = []
  const losses: number[] = []
  const listener = await database.listen(
    'a channel',
    (payload) => heard.push(payload),
    () => losses.push(heard.length),
  )
  return { heard, losses, listener, notify: (text: string) => pool.query(`select pg_notify('a channel', $1)`, [text]) }
}

t.test('every notification is heard, until the listener is closed', async (t) => {
  const { heard, losses, listener, notify } = await listen()
  t.ok(listener.connected)
  await notify('one')
  await notify('')
  await until(() => heard.length === 2)
  t.same(heard, ['one', ''])
  await listener.close()
  t.notOk(listener.connected)
  t.same(losses, [])
})

t.test('a killed connection is made anew, and the loss is told when listening works again', async (t) => {
  const { heard, losses, listener, notify } = await listen()
  t.teardown(() => listener.close())
  await pool.query(`select pg_terminate_backend(pid) from pg_stat_activity where query like 'listen%'`)
  await until(() => losses.length === 1)
  t.ok(listener.connected)
  await notify('after')
  await until(() => heard.length === 1)
})

t.test('a connection that takes long to answer does not count as connected, and nothing is lost by it', async (t) => {
  const { heard, losses, listener, notify } = await listen()
  t.teardown(() => listener.close())
  postgres.pause()
  t.teardown(() => postgres.resume())
  await until(() => !listener.connected)
  postgres.resume()
  await until(() => listener.connected)
  t.same(losses, [])
  await notify('after')
  await until(() => heard.length === 1)
})

t.test('a connection whose other end says nothing any more is found and made anew', async (t) => {
  const { heard, losses, listener, notify } = await listen()
  t.teardown(() => listener.close())
  lines.length = 0
  postgres.pause()
  t.teardown(() => postgres.resume())
  await until(() => lines.some((line) => line.includes('cannot reconnect yet')))
  t.notOk(listener.connected)
  postgres.resume()
  await until(() => losses.length === 1)
  await notify('after')
  await until(() => heard.length === 1)
  t.ok(listener.connected)
})

t.test('a server that is away at the beginning is a failure, and is not tried behind the caller’s back', async (t) => {
  const away = openPostgres('postgres://postgres@127.0.0.1:1/none', SILENT)
  t.teardown(() => away.close())
  await t.rejects(
    away.listen(
      'a channel',
      () => undefined,
      () => t.fail('it listens'),
    ),
  )
})
