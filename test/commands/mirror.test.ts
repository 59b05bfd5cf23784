import t from 'tap'
import { readMarker } from '../../src/mirror/marker.js'
import { rebuildMirror } from '../../src/mirror/rebuild.js'
import { isMirroredInRedis, setMirroredInRedis } from '../../src/store/instance.js'
import { createTruth } from '../../src/truth.js'
import { startPostgres } from '../fixtures/postgres.js'
import { startRedis } from '../fixtures/redis.js'
import { scratchFolder } from '../fixtures/scratch.js'
import { runSipauthd, startSipauthd } from '../fixtures/sipauthd.js'
import { createStage, openRedis, openStore } from '../provision/stage.js'

const postgres = await startPostgres(t)
const server = await startRedis(t)
const url = await postgres.createDatabase()
const database = await openStore(t, url)
const redis = await openRedis(t, server.url)
const stage = await createStage(t, database, redis)
const env = { DATABASE_URL: url, REDIS_URL: server.url, DATA_DIR: await scratchFolder('data') }
const mirror = (...args: string[]) => runSipauthd(['mirror', ...args], env)

for (const username of ['alice', 'bob', 'carol']) await stage.createUser(username)
await rebuildMirror({ redis, truth: createTruth(database.pool), onProgress: () => undefined })

t.test('mirror check prints what differs, without any HA1, and ends with 1; mirror rebuild mends it', async (t) => {
  const { realm } = stage
  const key = (user: string) => `sipauth:cred:${realm}:${user}`
  const ha1s = Object.values(await redis.hgetall(key('alice'))).filter((value) => /^[0-9a-f]{32,}$/.test(value))
  t.equal(ha1s.length, 6)
  const same = await mirror('check')
  t.match(same, { code: 0, stdout: '3 credentials compared, 0 differences\nthe mirror is marked as complete\n' })

  await redis.hset(key('alice'), 'ha1', 'f'.repeat(32))
  await redis.del(key('bob'))
  await redis.hset(key('ghost'), 'ha1', 'e'.repeat(32))
  await redis.hset('sipauth:domain:ghost.example', 'realm', realm, 'v', '1')
  const differs = await mirror('check')
  t.equal(differs.code, 1)
  t.same(differs.stdout.split('\n').sort(), [
    '',
    '3 credentials compared, 4 differences',
    `credential alice in ${realm} differs in the HA1 ha1`,
    `credential bob in ${realm} is in PostgreSQL and not in Redis`,
    `credential ghost in ${realm} is in Redis and not in PostgreSQL`,
    'domain ghost.example is in Redis and not in PostgreSQL',
    'the mirror is marked as complete',
  ])

  const rebuilt = await mirror('rebuild')
  t.match(rebuilt, { code: 0, stdout: '3 records written, 2 removed\n' })
  t.match(await mirror('check'), { code: 0 })
  const printed = JSON.stringify([differs, rebuilt])
  for (const secret of [...ha1s, 'f'.repeat(32), 'e'.repeat(32)]) t.notMatch(printed, secret)
})

t.test('mirror check ends with 1 where the mirror is not marked as complete, though nothing differs', async (t) => {
  const marks = [
    [() => redis.hset('sipauth:mirror', 'state', 'building'), /marked as not complete: it is being rebuilt/],
    [() => redis.hset('sipauth:mirror', 'run', 'another'), /of another run of Redis/],
    [() => redis.del('sipauth:mirror'), /the mark is missing/],
  ] as const
  for (const [mark, words] of marks) {
    await mark()
    const { code, stdout } = await mirror('check')
    t.match(stdout, /^3 credentials compared, 0 differences\n/)
    t.match(stdout, words)
    t.equal(code, 1)
  }
  await mirror('rebuild')
  t.match(await mirror('check'), { code: 0 })
})

t.test('mirror rebuild leaves a mirror that is being rebuilt to whoever does it', async (t) => {
  await redis.set('sipauth:mirror:builder', 'another', 'PX', 60_000)
  const { code, stderr } = await mirror('rebuild')
  t.equal(code, 1)
  t.match(stderr, /is rebuilding the mirror/)
  await redis.del('sipauth:mirror:builder')
})

t.test('mirror leave lets servers do without Redis, and whoever comes back to it trusts nothing there', async (t) => {
  const { pool } = database
  t.equal(await isMirroredInRedis(pool), true, 'a rebuild is remembered')
  t.match(await mirror('leave'), { code: 0, stdout: /servers start without REDIS_URL/ })
  t.equal(await isMirroredInRedis(pool), false)
  t.equal(await readMarker(redis), 'other_run')
  t.match(await mirror('rebuild'), { code: 0 })
  t.equal(await isMirroredInRedis(pool), true)
  const { REDIS_URL: _, ...withoutRedis } = env
  t.match(await runSipauthd(['mirror', 'leave', '--lost'], withoutRedis), { code: 0 })
  t.equal(await isMirroredInRedis(pool), false)
  await setMirroredInRedis(pool, true)
})

t.test('mirror called wrongly, and what needs Redis without one, ends with 2 and says why', async (t) => {
  const { REDIS_URL: _, ...withoutRedis } = env
  const [nothing, tooMuch, noRedis] = await Promise.all([
    mirror(),
    mirror('check', 'twice'),
    runSipauthd(['mirror', 'check'], withoutRedis),
  ])
  t.match(nothing, { code: 2, stderr: /takes one of check, rebuild/ })
  t.match(tooMuch, { code: 2, stderr: /takes one of check, rebuild/ })
  t.match(noRedis, { code: 2, stderr: /REDIS_URL must be set/ })
})

t.test('mirror check on a Redis that does not answer fails with 1, and calls nothing a difference', async (t) => {
  await server.stop()
  const { code, stdout, stderr } = await mirror('check')
  t.equal(code, 1)
  t.equal(stdout, '')
  t.match(stderr, /Redis at REDIS_URL does not answer/)
})

t.test('a server without Redis warns on a database that Redis mirrors', async (t) => {
  const { REDIS_URL: _, ...withoutRedis } = env
  const server = await startSipauthd(t, { env: withoutRedis })
  await server.waitForLog(/REDIS_URL is not set, but this database is mirrored in Redis/)
})
