import t from 'tap'
import { hashToken } from '../../src/provision/accounts.js'
import { createSid } from '../../src/sid.js'
import { findTokenHolder } from '../../src/store/accounts.js'
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
  t.same((await findTokenHolder(database.pool, account.sid))?.tokenHashes, [hashToken(token)])
  const { rows } = await database.pool.query('select a::text from accounts a')
  t.notMatch(JSON.stringify(rows), token)
  t.match(account.realm, /^ma-[a-z0-9-]+\.sip\.test$/, 'its realm is a host name')
})

t.test(
  'a token that is rotated stays good for the overlap, by the database clock, and the one before it ends',
  async (t) => {
    const { provision, accountSid } = await createStage(t, database)
    const { account, token: first } = await provision.accounts.create(accountSid, 'below')
    const good = async () => (await findTokenHolder(database.pool, account.sid))?.tokenHashes
    const second = await provision.accounts.rotateToken(account.sid, 3_600)
    t.same(await good(), [second.token, first].map(hashToken))
    const { rows } = await database.pool.query<{ seconds: number }>(
      'select extract(epoch from previous_token_until - now())::int as seconds from accounts where sid = $1',
      [account.sid],
    )
    t.ok(rows[0] && rows[0].seconds > 3_500 && rows[0].seconds <= 3_600)
    const third = await provision.accounts.rotateToken(account.sid, 60)
    t.same(await good(), [third.token, second.token].map(hashToken), 'two at most are good')
    await database.pool.query('update accounts set previous_token_until = now() where sid = $1', [account.sid])
    t.same(await good(), [hashToken(third.token)], 'and one when the time is up')
    const fourth = await provision.accounts.rotateToken(account.sid, 0)
    t.equal(fourth.previousUntil, undefined)
    t.same(await good(), [hashToken(fourth.token)])
    const { rows: stored } = await database.pool.query('select a::text from accounts a where sid = $1', [account.sid])
    for (const { token } of [second, third, fourth]) t.notMatch(JSON.stringify(stored), token)
  },
)

t.test('of two rotations at once both happen, one after the other', async (t) => {
  const { provision, accountSid } = await createStage(t, database)
  const { account } = await provision.accounts.create(accountSid, 'below')
  const rotated = await Promise.all([1, 2].map(() => provision.accounts.rotateToken(account.sid, 60)))
  const good = (await findTokenHolder(database.pool, account.sid))?.tokenHashes ?? []
  const hexes = (hashes: readonly Buffer[]) => hashes.map((hash) => hash.toString('hex')).sort()
  t.same(hexes(good), hexes(rotated.map(({ token }) => hashToken(token))))
})

t.test("the master's token is rotated in the configuration alone, and an unknown account's nowhere", async (t) => {
  const { provision } = await createStage(t, database)
  const master = await provision.accounts.ensureMaster(createSid('account'))
  await t.rejects(provision.accounts.rotateToken(master.sid, 0), { code: 'invalid', field: 'AccountSid' })
  await t.rejects(provision.accounts.rotateToken(createSid('account'), 0), { code: 'not_found' })
  const { rows } = await database.pool.query('select from audit where action = $1 and account_sid = $2', [
    ...['account.rotate_token', master.sid],
  ])
  t.equal(rows.length, 0)
})
