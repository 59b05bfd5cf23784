import t from 'tap'
import { openPostgres } from '../../src/store/postgres.js'
import { startPostgres } from '../fixtures/postgres.js'
import { startRedis } from '../fixtures/redis.js'
import { until, withinASecond } from '../fixtures/until.js'
import { SILENT } from '../provision/stage.js'
import { PASSWORD, startNode } from './node.js'

const postgres = await startPostgres(t)
const redis = await startRedis(t)

/** Two nodes on one fresh database, with or without the Redis in front of it. */
const ARRANGEMENTS = {
  'on one PostgreSQL and one Redis': { REDIS_URL: redis.url },
  'on one PostgreSQL alone': {},
} as const

for (const [arrangement, env] of Object.entries(ARRANGEMENTS)) {
  t.test(`two nodes ${arrangement}`, async (t) => {
    await redis.cli('FLUSHALL')
    const url = await postgres.createDatabase()
    const a = await startNode(t, { ...env, DATABASE_URL: url })
    const b = await startNode(t, { ...env, DATABASE_URL: url })
    const realm = 'example.com'
    const alice = { realm, username: 'alice' }
    const list = await a.createList(realm)
    const sid = await a.createUser(list, 'alice')

    t.test('a credential counts on the node that answered at once, and on the other within a second', async (t) => {
      t.equal(await a.logIn(alice), 'ok')
      await withinASecond(async () => (await b.logIn(alice)) === 'ok')
    })

    t.test('a nonce from one is good on the other', async (t) => {
      t.equal(await b.present(alice, await a.nonce(realm)), 'ok')
      t.equal(await a.present(alice, await b.nonce(realm)), 'ok')
    })

    t.test('a changed password counts on the other within a second', async (t) => {
      await a.changePassword(list, sid, 'Another-Horse-8')
      t.equal(await a.logIn(alice), 'bad_response')
      await withinASecond(async () => (await b.logIn(alice)) === 'bad_response')
      t.equal(await b.logIn({ ...alice, password: 'Another-Horse-8' }), 'ok')
      await b.changePassword(list, sid, PASSWORD)
      t.equal(await b.logIn(alice), 'ok')
      await withinASecond(async () => (await a.logIn(alice)) === 'ok')
    })

    t.test('a suspended account counts on the other within a second, and so does its return', async (t) => {
      const tenant = await a.createAccount()
      await a.createUser(await a.createList('tenant.example.com', tenant), 'carol')
      const carol = { realm: 'tenant.example.com', username: 'carol' }
      await withinASecond(async () => (await b.logIn(carol)) === 'ok')
      for (const [status, reason] of [
        ['suspended', 'disabled'],
        ['active', 'ok'],
      ] as const) {
        await a.setStatus(tenant, status)
        t.equal(await a.logIn(carol), reason)
        await withinASecond(async () => (await b.logIn(carol)) === reason)
      }
    })

    t.test(
      'a domain and its mappings count on the node that answered at once, on the other within a second',
      async (t) => {
        const gina = { realm, username: 'gina', domain: `pbx.${realm}` }
        await a.createUser(list, gina.username)
        await withinASecond(async () => (await b.logIn(gina)) === 'ok')
        const domain = await a.createDomain(gina.domain)
        t.equal(await a.logIn(gina), 'not_allowed', 'nobody may register there yet')
        await withinASecond(async () => (await b.logIn(gina)) === 'not_allowed')
        await a.mapRegistrations(domain, list)
        t.equal(await a.logIn(gina), 'ok')
        await withinASecond(async () => (await b.logIn(gina)) === 'ok')
        await b.unmapRegistrations(domain, list)
        t.equal(await b.logIn(gina), 'not_allowed')
        await withinASecond(async () => (await a.logIn(gina)) === 'not_allowed')
      },
    )

    t.test('a deleted credential counts on the other within a second', async (t) => {
      await a.deleteUser(list, sid)
      t.equal(await a.logIn(alice), 'unknown_user')
      await withinASecond(async () => (await b.logIn(alice)) === 'unknown_user')
    })

    t.test('a deleted list takes its credentials with it on the other within a second', async (t) => {
      const other = { realm: 'list.example.com', username: 'dave' }
      const doomed = await a.createList(other.realm)
      await a.createUser(doomed, 'dave')
      await withinASecond(async () => (await b.logIn(other)) === 'ok')
      await a.deleteList(doomed)
      t.equal(await a.logIn(other), 'unknown_user')
      await withinASecond(async () => (await b.logIn(other)) === 'unknown_user')
    })

    if ('REDIS_URL' in env) {
      t.test('a nonce count that one has accepted is refused by both', async (t) => {
        await a.createUser(list, 'erin')
        const erin = { realm, username: 'erin' }
        const nonce = await a.nonce(realm)
        t.equal(await a.present(erin, nonce, 5), 'ok')
        for (const node of [a, b]) t.equal(await node.present(erin, nonce, 5), 'replayed_nonce')
        t.equal(await b.present(erin, nonce, 4), 'replayed_nonce')
        t.equal(await b.present(erin, nonce, 6), 'ok')
        t.equal(await a.present(erin, nonce, 6), 'replayed_nonce')
      })
    } else {
      t.test(
        'nodes whose connections are all killed, LISTEN too, know of changes again soon, also of one in between',
        async (t) => {
          const frank = { realm, username: 'frank' }
          const franksSid = await a.createUser(list, 'frank')
          await withinASecond(async () => (await b.logIn(frank)) === 'ok')
          const database = openPostgres(url, SILENT)
          t.teardown(() => database.close())
          const killed = await database.pool.query(
            `select pg_terminate_backend(pid) from pg_stat_activity
           where datname = current_database() and pid <> pg_backend_pid()`,
          )
          t.ok(killed.rowCount)
          await until(() => a.changePassword(list, franksSid, 'In-Between-9').then(() => true))
          t.equal(await a.logIn({ ...frank, password: 'In-Between-9' }), 'ok')
          await until(async () => (await b.logIn(frank)) === 'bad_response')
          await a.deleteUser(list, franksSid)
          await until(async () => (await b.logIn(frank)) === 'unknown_user')
        },
      )
    }
  })
}
