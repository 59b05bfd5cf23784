import pg from 'pg'
import { pino } from 'pino'
import t from 'tap'
import { followChanges } from '../src/follow-changes.js'
import { createMetrics } from '../src/metrics.js'
import { createMemoryMirror } from '../src/mirror/memory-mirror.js'
import type { Truth } from '../src/mirror/mirror.js'
import { computeHa1s } from '../src/provision/ha1s.js'
import { createRelay } from '../src/relay.js'
import { OUTBOX_CHANNEL } from '../src/store/outbox.js'
import { openPostgres } from '../src/store/postgres.js'
import { createTruth } from '../src/truth.js'
import { startPostgres } from './fixtures/postgres.js'
import { until, withinASecond } from './fixtures/until.js'
import { createStage, openStore, PASSWORD, SILENT } from './provision/stage.js'

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
  const { walk, ...others } = createTruth(pool)
  const fillings = { begun: 0, held: Promise.resolve() }
  const truth: Truth = {
    ...others,
    async *walk() {
      fillings.begun++
      await fillings.held
      yield* walk()
    },
  }
  const relay = createRelay({ pool, mirror, truth, metrics: createMetrics(), log: SILENT })
  const follower = await followChanges({ database, relay, memoryMirror: mirror, truth, log: SILENT })
  t.teardown(async () => {
    await follower.close()
    await relay.close()
  })
  return { mirror, lines, fillings }
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

t.test('many changes at once are followed by their names, and nothing is filled anew for them', async (t) => {
  const writer = await createStage(t, await openStore(t, url))
  const { mirror, fillings } = await openNode(t as Tap)
  const { provision, accountSid, listSid, realm } = writer
  const names = Array.from({ length: 1_000 }, (_, n) => `${'ü'.repeat(n % 60)}${n}`)
  const inputs = names.map((username) => {
    const ha1s = computeHa1s(username, realm, PASSWORD)
    return { username, ha1s, enabled: undefined, description: undefined }
  })
  const holds = async (n: number) => {
    const found = await Promise.all(names.map((name) => mirror.findHa1(realm, name, 'ha1')))
    return found.filter((each) => each?.ha1 !== undefined).length === n
  }
  await provision.imports.run({ accountSid, realm, sid: listSid }, inputs, false)
  await until(() => holds(1_000))
  await provision.credentialLists.delete(accountSid, listSid)
  await until(() => holds(0))
  const empty = await provision.credentialLists.create(accountSid, { friendlyName: 'empty' })
  await provision.credentialLists.delete(accountSid, empty.sid)
  await provision.credentialLists.create(accountSid, { friendlyName: 'next', algorithms: ['MD5'] })
  await until(() => mirror.findRealm(realm))
  t.equal(fillings.begun, 1)
  t.ok(mirror.current)
})

t.test('however often a filling is asked for while one runs, one more follows', async (t) => {
  const { pool } = await openStore(t, url)
  const { mirror, fillings } = await openNode(t as Tap)
  const announce = () => pool.query('select pg_notify($1, $2)', [OUTBOX_CHANNEL, ''])
  let open: () => void = () => undefined
  fillings.held = new Promise((resolve) => {
    open = resolve
  })
  await announce()
  await until(() => fillings.begun === 2)
  for (let n = 0; n < 5; n++) await announce()
  const writer = await createStage(t, await openStore(t, url))
  await writer.createUser('alice')
  await until(() => mirror.findHa1(writer.realm, 'alice', 'ha1'))
  t.notOk(mirror.current, 'what comes behind them has been heard')
  open()
  await until(() => mirror.current)
  t.equal(fillings.begun, 3)
})

t.test(
  "an account's new status counts within a second on a node that follows, however many users it has",
  async (t) => {
    const database = await openStore(t, url)
    const writer = await createStage(t, database)
    const { realm, accountSid, listSid } = writer
    const { mirror } = await openNode(t as Tap)
    await database.pool.query(
      `insert into credentials (sid, list_sid, account_sid, realm, username, version, ha1)
     select 'CR' || md5($1 || n), $1, $2, $3, 'u' || n, nextval('change_version'), md5('x' || n)
     from generate_series(1, 20000) n`,
      [listSid, accountSid, realm],
    )
    await mirror.rebuild(createTruth(database.pool))
    const isUsable = async () => (await mirror.findHa1(realm, 'u20000', 'ha1'))?.usable
    t.ok(await isUsable())
    for (const status of ['suspended', 'active', 'closed', 'active'] as const) {
      await writer.provision.accounts.update(accountSid, { status })
      await withinASecond(async () => (await isUsable()) === (status === 'active'))
    }
    t.ok(mirror.current, 'and nothing is filled anew for it')
  },
)

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
