import t from 'tap'
import { startPostgres } from '../fixtures/postgres.js'
import { startRedis } from '../fixtures/redis.js'
import { until, withinASecond } from '../fixtures/until.js'
import { openStore } from '../provision/stage.js'
import { type Login, type Node, PASSWORD, startNode } from './node.js'

const postgres = await startPostgres(t)
const redis = await startRedis(t)
const url = await postgres.createDatabase()
const database = await openStore(t, url)
const env = { DATABASE_URL: url, REDIS_URL: redis.url }
const a = await startNode(t, env)
const b = await startNode(t, env)

const REALM = 'example.com'
const list = await a.createList(REALM)
const alice = { realm: REALM, username: 'alice' }
const alicesSid = await a.createUser(list, 'alice')
/** A domain where alice's list may register, and one where nobody may. */
const [open, closed] = [`open.${REALM}`, `closed.${REALM}`]
await a.mapRegistrations(await a.createDomain(open), list)
await a.createDomain(closed)
await until(isComplete)

async function isComplete(): Promise<boolean> {
  return (await redis.cli('HGET', 'sipauth:mirror', 'state')) === 'complete'
}

/** For more than a second: from then on the mirror alone may refuse. */
async function isLongComplete(): Promise<boolean> {
  const [now = ''] = (await redis.cli('TIME')).split('\n')
  return (await isComplete()) && Number(now) - Number(await redis.cli('HGET', 'sipauth:mirror', 'at')) >= 2
}

function rebuilds(): number {
  return [a, b].reduce((sum, node) => sum + node.process.log().split('the mirror in Redis is rebuilt').length - 1, 0)
}

async function pending(): Promise<number> {
  const { rows } = await database.pool.query<{ n: number }>('select count(*)::int as n from outbox')
  return rows[0]?.n ?? -1
}

/** The reason of a verdict, and the domain that it was given at. */
async function reasonAt(node: Node, login: Login): Promise<string> {
  const reason = await node.logIn(login)
  return login.domain === undefined ? reason : `${reason} at ${login.domain}`
}

/** Logs in on both nodes again and again, until the mirror is complete; the reasons that were given. */
async function logInUntilComplete(logins: readonly Login[]): Promise<string[]> {
  const reasons = new Set<string>()
  await until(async () => {
    for (const login of logins) for (const node of [a, b]) reasons.add(await reasonAt(node, login))
    return await isComplete().catch(() => false)
  })
  return [...reasons]
}

t.test('kill -9 between commit and mirror: another node completes the write within a second', async (t) => {
  const doomed = await startNode(t, env)
  await redis.cli('SCRIPT', 'FLUSH') // what the killed node has sent already is then no script that Redis knows
  redis.pause()
  t.teardown(() => redis.resume())
  const answered = doomed.createUser(list, 'killed').catch(() => undefined)
  await until(async () => (await pending()) === 1)
  await doomed.process.kill()
  await answered
  redis.resume()
  const key = `sipauth:cred:${REALM}:killed`
  await withinASecond(async () => (await redis.cli('HGET', key, 'ha1')).length === 32)
  await until(async () => (await pending()) === 0)
  t.match(a.process.log() + b.process.log(), /left-over changes mirrored/)
  for (const node of [a, b]) t.equal(await node.logIn({ realm: REALM, username: 'killed' }), 'ok')
})

t.test('Redis away: checks are answered from PostgreSQL, writes accepted, and mirrored when it is back', async (t) => {
  await redis.stop()
  t.equal(await a.logIn(alice), 'ok')
  const sid = await a.createUser(list, 'bob')
  await a.changePassword(list, sid, 'Another-Horse-8')
  const bob = { realm: REALM, username: 'bob', password: 'Another-Horse-8' }
  for (const node of [a, b]) {
    t.equal(await node.logIn(bob), 'ok')
    t.equal(await node.logIn({ ...bob, password: PASSWORD }), 'bad_response')
    t.equal(await node.logIn({ realm: REALM, username: 'nobody' }), 'unknown_user')
    t.equal(await node.logIn({ ...bob, domain: open }), 'ok')
    t.equal(await node.logIn({ ...bob, domain: closed }), 'not_allowed')
  }
  for (const node of [a, b]) {
    await until(async () => (await node.metric('sipauthd_outbox_pending')) === 2)
    await until(async () => (await node.metric('sipauthd_mirror_lag_seconds')) > 0)
  }
  await redis.restart()
  await until(async () => (await redis.cli('HGET', `sipauth:cred:${REALM}:bob`, 'ha1')).length === 32)
  await until(async () => (await pending()) === 0)
  for (const node of [a, b]) await until(async () => (await node.metric('sipauthd_outbox_pending')) === 0)
  t.same(await logInUntilComplete([bob]), ['ok'])
})

t.test('Redis flushed: no right password is refused, and one of the nodes rebuilds the mirror', async (t) => {
  await until(isComplete)
  await until(() => rebuilds() >= 2) // the line comes after the mark
  const before = rebuilds()
  await redis.cli('FLUSHALL')
  const logins = [alice, { ...alice, domain: open }, { ...alice, domain: closed }]
  t.same(await logInUntilComplete(logins), ['ok', `ok at ${open}`, `not_allowed at ${closed}`])
  await until(() => rebuilds() > before)
  t.equal((await redis.cli('HGET', `sipauth:cred:${REALM}:alice`, 'ha1')).length, 32)
})

t.test('Redis replaced by an empty one: no right password is refused, and the mirror is rebuilt', async (t) => {
  await redis.restart()
  t.same(await logInUntilComplete([alice]), ['ok'])
  t.equal((await redis.cli('HGET', `sipauth:cred:${REALM}:alice`, 'ha1')).length, 32)
})

t.test('Redis restarted with old data: neither new passwords are refused nor old ones taken', async (t) => {
  await until(isComplete)
  await redis.cli('SAVE')
  await a.changePassword(list, alicesSid, 'Newest-Horse-9')
  await a.createUser(list, 'carol')
  for (const node of [a, b]) node.process.pause()
  await redis.stop('SIGKILL')
  await redis.restart()
  t.equal(await redis.cli('EXISTS', `sipauth:cred:${REALM}:carol`), '0', 'it has the data of yesterday')
  for (const node of [a, b]) node.process.resume()
  const newest = { ...alice, password: 'Newest-Horse-9' }
  const carol = { realm: REALM, username: 'carol' }
  const isNew = async () => (await redis.cli('EXISTS', `sipauth:cred:${REALM}:carol`)) === '1'
  do {
    for (const node of [a, b]) {
      t.equal(await node.logIn(newest), 'ok')
      t.equal(await node.logIn(carol), 'ok')
      t.equal(await node.logIn(alice), 'bad_response')
    }
  } while (!(await isNew()))
  await until(isComplete)
})

t.test('PostgreSQL away: checks go on, writes are refused, and nobody needs a restart', async (t) => {
  const carol = { realm: REALM, username: 'carol' }
  await until(isLongComplete)
  await postgres.stop('SIGQUIT')
  for (const node of [a, b]) {
    t.equal(await node.logIn(carol), 'ok')
    t.equal(await node.logIn({ ...carol, domain: open }), 'ok')
    t.equal(await node.logIn({ ...carol, domain: closed }), 'not_allowed')
    await t.rejects(node.createUser(list, 'dave'), { message: /answered 503/ })
  }
  await postgres.restart()
  await until(() => a.createUser(list, 'dave'))
  await until(async () => (await b.logIn({ realm: REALM, username: 'dave' })) === 'ok')
})

t.test('nothing of this stopped a node, and SIGTERM ends each with 0', async (t) => {
  for (const node of [a, b] satisfies Node[]) t.same(await node.process.stop(), { code: 0, signal: null })
})
