import pg from 'pg'
import { pino } from 'pino'
import t from 'tap'
import { followChanges } from '../src/follow-changes.js'
import { createMetrics } from '../src/metrics.js'
import { createMemoryMirror } from '../src/mirror/memory-mirror.js'
import { createRelay } from '../src/relay.js'
import { openPostgres } from '../src/store/postgres.js'
import { createTruth } from '../src/truth.js'
import { startPostgres } from './fixtures/postgres.js'
import { until } from './fixtures/until.js'
import { createStage, openStore, SILENT } from './provision/stage.js'

const postgres = await startPostgres(t)
const url = await postgres.createDatabase()
const name = new URL(url).pathname.slice(1)

/** From outside: the node's database may be closed to new connections. */
async function administer(sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: postgres.url })
  await client.connect()
  await client.query(sql).finally(() => client.end())
}

/** What another node has, and no Redis; its LISTEN connection is called `ear`. */
async function openNode(t: Tap) {
  const lines: string[] = []
  const log = pino({ level: 'debug' }, { write: (line) => lines.push(line) })
  const [{ pool }, ear] = [await openStore(t, url), openPostgres(`${url}?application_name=ear`, log)]
  t.teardown(() => ear.close())
  const database = { ...ear, pool }
  const mirror = createMemoryMirror()
  const truth = createTruth(pool)
  const relay = createRelay({ pool, mirror, truth, metrics: createMetrics(), log: SILENT })
  const follower = await followChanges({ database, relay, memoryMirror: mirror, truth, log: SILENT })
  t.teardown(async () => {
    await follower.close()
    await relay.close()
  })
  return { mirror, lines }
}

type Tap = typeof t

t.test('a mirror in memory is not current while its node hears of nothing and could ask the database', async (t) => {
  const writer = await createStage(t, await openStore(t, url))
  const { mirror } = await openNode(t as Tap)
  const { sid } = await writer.createUser('alice')
  const ha1 = async () => (await mirror.findHa1(writer.realm, 'alice', 'ha1'))?.ha1
  const before = await until(ha1)
  t.ok(mirror.current)
  await administer(`alter database ${name} with allow_connections false`)
  t.teardown(() => administer(`alter database ${name} with allow_connections true`))
  await administer(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'ear'`)
  await until(() => !mirror.current)
  await writer.provision.credentials.update(writer.accountSid, writer.listSid, sid, { password: 'Another-horse-2' })
  t.equal(await ha1(), before, 'it has not heard of it')
  t.notOk(mirror.current)
  await administer(`alter database ${name} with allow_connections true`)
  await until(() => mirror.current)
  t.not(await ha1(), before)
})

t.test('while the whole database is away a mirror in memory is the best there is, and says so', async (t) => {
  const { mirror, lines } = await openNode(t as Tap)
  t.ok(mirror.current)
  await postgres.stop()
  await until(() => lines.some((line) => line.includes('cannot reconnect yet')))
  await until(() => mirror.current)
  t.equal(await mirror.isComplete(), true)
  await postgres.restart()
  await until(() => mirror.current)
})
