import t from 'tap'
import { hashToken } from '../../src/provision/accounts.js'
import { createSid } from '../../src/sid.js'
import { findTokenHash } from '../../src/store/accounts.js'
import { startPostgres } from '../fixtures/postgres.js'
import { startRedis } from '../fixtures/redis.js'
import { createStage, hashOf, openRedis, openStore } from './stage.js'

const postgres = await startPostgres(t)
const redisServer = await startRedis(t)
const redis = await openRedis(t, redisServer.url)
const database = await openStore(t, await postgres.createDatabase())

t.test("a suspended account's credentials lose their HA1s in Redis, and get them back", async (t) => {
  const stage = await createStage(t, database, redis)
  const { accounts, credentials } = stage.provision
  await stage.createUser('alice')
  const { sid } = await stage.createUser('bob')
  await credentials.update(stage.accountSid, stage.listSid, sid, { enabled: false })
  const before = await hashOf(redis, stage.realm, 'alice')
  for (const status of ['suspended', 'active', 'closed'] as const) {
    t.equal((await accounts.update(stage.accountSid, { status })).status, status)
    const { v, ...fields } = await hashOf(redis, stage.realm, 'alice')
    t.ok(BigInt(v ?? 0) > BigInt(before.v ?? 0))
    const { v: _, ...whole } = before
    const { account, list, sid } = before
    t.same(fields, status === 'active' ? whole : { account, list, sid })
    t.same(Object.keys(await hashOf(redis, stage.realm, 'bob')).sort(), ['account', 'list', 'sid', 'v'])
  }
  await t.rejects(accounts.update(stage.accountSid, { status: 'active' }), { code: 'invalid', field: 'Status' })
  t.equal(await stage.pending(), 0)
})

t.test('a new name or the same status changes no credential', async (t) => {
  const stage = await createStage(t, database, redis)
  await stage.createUser('alice')
  const before = await hashOf(redis, stage.realm, 'alice')
  await stage.provision.accounts.update(stage.accountSid, { friendlyName: 'renamed', status: 'active' })
  t.same(await hashOf(redis, stage.realm, 'alice'), before)
})

t.test('the master account is made once, however many nodes start, and keeps its status', async (t) => {
  const { provision } = await createStage(t, database)
  const sid = createSid('account')
  const made = await Promise.all(Array.from({ length: 4 }, () => provision.accounts.ensureMaster(sid)))
  t.equal(new Set(made.map(({ realm }) => realm)).size, 1)
  await t.rejects(provision.accounts.update(sid, { status: 'suspended' }), { code: 'invalid' })
  await t.rejects(provision.accounts.update(createSid('account'), {}), { code: 'not_found' })
})

t.test('a token is stored as its hash alone', async (t) => {
  const { provision, accountSid } = await createStage(t, database)
  const { account, token } = await provision.accounts.create(accountSid, 'below')
  t.same(await findTokenHash(database.pool, account.sid), hashToken(token))
  const { rows } = await database.pool.query('select a::text from accounts a')
  t.notMatch(JSON.stringify(rows), token)
  t.match(account.realm, /^ma-[a-z0-9-]+\.sip\.test$/, 'its realm is a host name')
})
