import t from 'tap'
import { isMarkedComplete, readMarker, takeRebuildLease } from '../../src/mirror/marker.js'
import { createMemoryMirror } from '../../src/mirror/memory-mirror.js'
import type { Truth } from '../../src/mirror/mirror.js'
import { rebuildMirror } from '../../src/mirror/rebuild.js'
import { createRedisMirror } from '../../src/mirror/redis-mirror.js'
import { createTruth } from '../../src/truth.js'
import { startPostgres } from '../fixtures/postgres.js'
import { startRedis } from '../fixtures/redis.js'
import { until } from '../fixtures/until.js'
import { createStage, hashOf, openRedis, openStore, PASSWORD } from '../provision/stage.js'

const postgres = await startPostgres(t)
const server = await startRedis(t)
const redis = await openRedis(t, server.url)
const database = await openStore(t, await postgres.createDatabase())
const truth = createTruth(database.pool)
const ignore = () => undefined
t.beforeEach(() => redis.flushall())

t.test('a rebuild writes what PostgreSQL has, mends every damage and removes the rest', async (t) => {
  const stage = await createStage(t, database, redis)
  const { realm, listSid, accountSid } = stage
  const users = [
    'right',
    'wrong-ha1',
    'missing',
    'too-high',
    'too-low',
    'extra',
    'less',
    'expiring',
    'string',
    'disabled',
  ]
  for (const user of users) await stage.createUser(user)
  const { rows } = await database.pool.query('select sid from credentials where username = $1', ['disabled'])
  await stage.provision.credentials.update(accountSid, listSid, rows[0].sid, { enabled: false })
  await stage.provision.credentialLists.update(accountSid, listSid, { algorithms: ['SHA-256'] })
  const snapshot = async () => Promise.all(users.map((user) => hashOf(redis, realm, user)))
  const before = await snapshot()

  const key = (user: string) => `sipauth:cred:${realm}:${user}`
  await redis.hset(key('wrong-ha1'), 'ha1', 'f'.repeat(32))
  await redis.del(key('missing'))
  await redis.hset(key('too-high'), 'v', '99999999999999999999', 'ha1', 'x')
  await redis.hset(key('too-low'), 'v', '0')
  await redis.hset(key('extra'), 'password', 'x')
  await redis.hdel(key('less'), 'ha1b')
  await redis.pexpire(key('expiring'), 1_000_000)
  await redis.set(key('string'), 'x')
  await redis.hset(key('disabled'), 'ha1', 'f'.repeat(32))
  await redis.del(`sipauth:realm:${realm}`)
  const ghosts = ['ghost', 'ghost-with-ha1-alone', 'ghost-as-string', 'version-for-ever']
  await redis.hset(key('ghost'), { sid: 'CR0', account: 'AC0', list: 'CL0', ha1: 'x', v: '1' })
  await redis.hset(key('ghost-with-ha1-alone'), { ha1: 'x' })
  await redis.set(key('ghost-as-string'), 'x')
  await redis.hset(key('version-for-ever'), { v: '99999999999999999999' })
  await redis.hset('sipauth:realm:ghost.example.com', { algorithms: 'MD5', v: '1' })
  await redis.set('sipauth:bindings:x', 'is not of the mirror')

  const done = await rebuildMirror({ redis, truth, onProgress: ignore })
  t.match(done, { removed: ghosts.length + 1 })
  t.same(await snapshot(), before)
  t.equal(await redis.pttl(key('expiring')), -1)
  t.equal(await redis.hget(`sipauth:realm:${realm}`, 'algorithms'), 'SHA-256')
  for (const ghost of ghosts) t.equal(await redis.exists(key(ghost)), 0, ghost)
  t.equal(await redis.exists('sipauth:realm:ghost.example.com'), 0)
  t.equal(await redis.get('sipauth:bindings:x'), 'is not of the mirror')
  t.equal(await readMarker(redis), 'complete')
})

t.test('a rebuild writes domains and what realms lack, and removes what PostgreSQL does not have', async (t) => {
  const stage = await createStage(t, database, redis)
  const { accountSid, realm } = stage
  const { domains, domainMappings, ipAccessControlLists, ipAddresses } = stage.provision
  const { sid } = await domains.create(accountSid, { domainName: 'pbx.example' })
  await domainMappings.mapCredentialList(accountSid, sid, 'registrations', stage.listSid)
  const offices = await ipAccessControlLists.create(accountSid, 'offices')
  await ipAddresses.create(accountSid, offices.sid, { friendlyName: 'one', ipAddress: '192.0.2.7' })
  await domainMappings.mapIpAccessControlList(accountSid, sid, offices.sid)
  await domains.create(accountSid, { domainName: 'lost.example' })
  const deleted = await domains.create(accountSid, { domainName: 'deleted.example' })
  await domains.delete(accountSid, deleted.sid)
  await stage.createUser('imported')
  await database.pool.query('update credentials set ha1_sha256 = null where realm = $1', [realm])
  const before = await redis.hgetall('sipauth:domain:pbx.example')
  t.match(before, { sid, account: accountSid, realm, active: '1', calls: '', registrations: stage.listSid })
  t.equal(before.ip, '192.0.2.7/32')

  await redis.hset('sipauth:domain:pbx.example', 'ip', '0.0.0.0/0', 'active', '0')
  await redis.del('sipauth:domain:lost.example')
  await redis.hset('sipauth:domain:ghost.example', { ...before, v: '1' })
  const done = await rebuildMirror({ redis, truth, onProgress: ignore })
  t.match(done, { removed: 1 })
  t.same(await redis.hgetall('sipauth:domain:pbx.example'), before)
  t.match(await stage.mirror.findDomain('lost.example'), { active: true, ipRanges: undefined })
  t.equal(await stage.mirror.findDomain('ghost.example'), undefined)
  t.same(Object.keys(await redis.hgetall('sipauth:domain:deleted.example')), ['v'], 'its tombstone stays')
  t.same(await stage.mirror.findRealm(realm), { algorithms: undefined, lacking: ['SHA-256'], active: true })
  const memory = createMemoryMirror()
  await memory.rebuild(truth)
  t.same(await memory.findDomain('pbx.example'), await stage.mirror.findDomain('pbx.example'))
  t.same(await memory.findRealm(realm), { algorithms: undefined, lacking: ['SHA-256'], active: true })
})

t.test('a rebuild keeps the tombstones of deletions', async (t) => {
  const stage = await createStage(t, database, redis)
  const { sid } = await stage.createUser('alice')
  await stage.provision.credentials.delete(stage.accountSid, stage.listSid, sid)
  const before = await hashOf(redis, stage.realm, 'alice')
  await rebuildMirror({ redis, truth, onProgress: ignore })
  t.same(await hashOf(redis, stage.realm, 'alice'), before)
})

t.test('writes go on while the mirror is rebuilt, and both stores end the same', async (t) => {
  const stage = await createStage(t, database, redis)
  const users = await Promise.all(Array.from({ length: 20 }, (_, n) => stage.createUser(`user${n}`)))
  await redis.flushall()
  const write = async (sid: string, n: number) =>
    n % 3 === 0
      ? stage.provision.credentials.delete(stage.accountSid, stage.listSid, sid)
      : stage.provision.credentials.update(stage.accountSid, stage.listSid, sid, { password: `Changed-${n}` })
  const [done] = await Promise.all([
    rebuildMirror({ redis, truth: inSlicesOf(1, truth), onProgress: ignore }),
    ...users.map(({ sid }, n) => write(sid, n)),
  ])
  t.ok(done)
  for (let n = 0; n < users.length; n++) {
    const [record] = await truth.read([{ kind: 'credential', realm: stage.realm, username: `user${n}` }])
    const { v, ha1 } = await hashOf(redis, stage.realm, `user${n}`)
    if (record?.kind !== 'credential') t.equal(ha1, undefined)
    else t.same({ v, ha1 }, { v: record.version, ha1: record.holds?.ha1s?.ha1 })
  }
})

t.test('two nodes do not rebuild at the same time', async (t) => {
  const other = await openRedis(t, server.url)
  const { truth: slow, reached, goOn } = stopping(truth)
  const first = rebuildMirror({ redis, truth: slow, onProgress: ignore })
  await reached
  t.equal(await readMarker(other), 'building')
  t.equal(await rebuildMirror({ redis: other, truth, onProgress: ignore }), undefined)
  goOn()
  t.ok(await first)
  t.ok(await rebuildMirror({ redis: other, truth, onProgress: ignore }), 'afterwards another may')
})

t.test('a flush in the middle of a rebuild ends it without a mark, and it can begin anew', async (t) => {
  const { truth: slow, reached, goOn } = stopping(truth)
  const first = rebuildMirror({ redis, truth: slow, onProgress: ignore })
  await reached
  await redis.flushall()
  goOn()
  await t.rejects(first)
  t.equal(await readMarker(redis), 'missing')
  t.ok(await rebuildMirror({ redis, truth, onProgress: ignore }))
  t.equal(await readMarker(redis), 'complete')
})

t.test('a rebuild that another node has taken over marks nothing as complete', async (t) => {
  const { truth: slow, reached, goOn } = stopping(truth)
  const first = rebuildMirror({ redis, truth: slow, onProgress: ignore })
  await reached
  await redis.del('sipauth:mirror:builder') // as if its time had run out
  const lease = await takeRebuildLease(redis)
  await lease?.begin()
  goOn()
  await t.rejects(first, { message: /taken .* over/ })
  t.equal(await readMarker(redis), 'building')
  t.ok(await lease?.renew(), 'the one that gave up has not released the other’s right')
  t.ok(await lease?.complete())
  await lease?.release()
})

t.test('a rebuild whose database fails gives its right back and marks nothing', async (t) => {
  const broken: Truth = {
    ...truth,
    async *walk() {
      yield []
      throw new Error('PostgreSQL is away')
    },
  }
  await t.rejects(rebuildMirror({ redis, truth: broken, onProgress: ignore }), { message: 'PostgreSQL is away' })
  t.equal(await readMarker(redis), 'building')
  t.notOk(await isMarkedComplete(redis))
  t.ok(await rebuildMirror({ redis, truth, onProgress: ignore }))
})

t.test('the mark counts for refusals only when it is older than a check that missed something', async (t) => {
  t.notOk(await isMarkedComplete(redis))
  await rebuildMirror({ redis, truth, onProgress: ignore })
  t.notOk(await isMarkedComplete(redis))
  const now = Number((await redis.time())[0])
  await redis.hset('sipauth:mirror', 'at', now - 2)
  t.ok(await isMarkedComplete(redis))
  await redis.flushall()
  t.notOk(await isMarkedComplete(redis))
})

t.test('a Redis that comes back with its old data is not trusted, by nobody, until it is rebuilt', async (t) => {
  const durable = await startRedis(t, { extraArgs: ['--appendonly', 'yes', '--appendfsync', 'always'] })
  const client = await openRedis(t, durable.url)
  const stage = await createStage(t, database, client)
  await stage.createUser('alice')
  await rebuildMirror({ redis: client, truth, onProgress: ignore })
  const mirror = createRedisMirror(client)
  await until(() => mirror.current)
  await durable.restart()
  await until(() => client.status === 'ready')
  t.ok((await hashOf(client, stage.realm, 'alice')).ha1)
  t.equal(await readMarker(client), 'other_run')
  t.notOk(mirror.current)
  t.notOk(createRedisMirror(client).current, 'nor by a node that starts just now')
  const { truth: slow, reached, goOn } = stopping(truth)
  const rebuild = rebuildMirror({ redis: client, truth: slow, onProgress: ignore })
  await reached
  t.notOk(mirror.current)
  goOn()
  await rebuild
  await until(() => mirror.current)
})

t.test('a rebuild tells how far it is', async (t) => {
  const stage = await createStage(t, database, redis)
  for (const user of ['a', 'b', 'c']) await stage.createUser(user, PASSWORD)
  const total = await truth.count()
  const seen: number[] = []
  const onProgress = (progress: { written: number; total: number }) => {
    t.equal(progress.total, total)
    seen.push(progress.written)
  }
  const done = await rebuildMirror({ redis, truth: inSlicesOf(1, truth), onProgress })
  t.ok((done?.written ?? 0) >= total)
  t.same(
    seen,
    [...seen].sort((a, b) => a - b),
  )
  t.ok(seen.length >= total)
})

/** The same database, walked in small steps. */
function inSlicesOf(size: number, whole: Truth): Truth {
  return {
    ...whole,
    async *walk() {
      for await (const slice of whole.walk()) {
        for (let start = 0; start < slice.length; start += size) yield slice.slice(start, start + size)
      }
    },
  }
}

/** The same database, whose walk says that it was reached and then waits. */
function stopping(whole: Truth): { readonly truth: Truth; readonly reached: Promise<void>; goOn(): void } {
  let reach: () => void = () => undefined
  let goOn: () => void = () => undefined
  const reached = new Promise<void>((resolve) => {
    reach = resolve
  })
  const going = new Promise<void>((resolve) => {
    goOn = resolve
  })
  const walk = async function* () {
    reach()
    await going
    yield* whole.walk()
  }
  return { truth: { ...whole, walk }, reached, goOn: () => goOn() }
}
