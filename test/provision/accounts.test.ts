import t from 'tap'
import { createAccountSweeper } from '../../src/account-sweeper.js'
import { createCredentialSource } from '../../src/auth/credential-source.js'
import { compareMirror, type Difference } from '../../src/mirror/compare.js'
import type { MemoryMirror } from '../../src/mirror/memory-mirror.js'
import type { Truth } from '../../src/mirror/mirror.js'
import { inBatches } from '../../src/mirror/write-record.js'
import { hashToken } from '../../src/provision/accounts.js'
import { computeHa1s } from '../../src/provision/ha1s.js'
import { createProvision } from '../../src/provision.js'
import { createSid } from '../../src/sid.js'
import { sweepSlice } from '../../src/store/account-sweeps.js'
import { findTokenHolder } from '../../src/store/accounts.js'
import { createDatabaseReader } from '../../src/store/credential-reader.js'
import { inTransaction } from '../../src/store/database.js'
import { createTruth } from '../../src/truth.js'
import { startPostgres } from '../fixtures/postgres.js'
import { startRedis } from '../fixtures/redis.js'
import { until } from '../fixtures/until.js'
import { createStage, hashOf, openRedis, openStore, PASSWORD, SILENT, type Stage } from './stage.js'

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
  let version = BigInt(before.v ?? 0)
  for (const status of ['suspended', 'active', 'closed', 'suspended', 'active'] as const) {
    t.equal((await accounts.update(stage.accountSid, { status })).status, status)
    const { v, ...fields } = await hashOf(redis, stage.realm, 'alice')
    t.ok(BigInt(v ?? 0) > version)
    version = BigInt(v ?? 0)
    const { v: _, ...whole } = before
    const { account, list, sid } = before
    t.same(fields, status === 'active' ? whole : { account, list, sid })
    t.same(Object.keys(await hashOf(redis, stage.realm, 'bob')).sort(), ['account', 'list', 'sid', 'v'])
  }
  t.equal(await stage.pending(), 0)
})

/** Credentials of an account that is too big for one transaction. */
const MANY = 1_300

async function fill({ provision, accountSid, listSid, realm }: Stage): Promise<string[]> {
  const usernames = Array.from({ length: MANY }, (_, index) => `u${index}`)
  const inputs = usernames.map((username) => {
    return { username, ha1s: computeHa1s(username, realm, PASSWORD), enabled: undefined, description: undefined }
  })
  const { published } = await provision.imports.run({ accountSid, realm, sid: listSid }, inputs, false)
  await published
  return usernames
}

/** Not all at once, and again where Redis is too busy: what is asked behind a thousand others is given up. */
async function askInTurn<T>(usernames: readonly string[], ask: (username: string) => Promise<T>): Promise<T[]> {
  const answers: T[] = []
  const insist = async (username: string) => {
    const answer = await ask(username)
    return answers.push(answer)
  }
  await inBatches(usernames, (username) => until(() => insist(username)))
  return answers
}

/** What `sipauthd mirror check` would say of the realm and of what should not be there. */
async function differences(realm: string): Promise<Difference[]> {
  const truth = createTruth(database.pool)
  const seen: Truth = {
    ...truth,
    async *walk() {
      for await (const slice of truth.walk()) {
        yield slice.filter((record) => record.kind !== 'domain' && record.realm === realm)
      }
    },
  }
  const found: Difference[] = []
  for await (const difference of compareMirror(redis, seen)) found.push(difference)
  return found
}

for (const where of ['in Redis', 'in memory']) {
  t.test(`a suspended account of many credentials is refused at once, ${where}, and its records follow`, async (t) => {
    const stage = await createStage(t, database, where === 'in Redis' ? redis : undefined)
    const { mirror, realm } = stage
    if (where === 'in memory') await (mirror as MemoryMirror).rebuild(createTruth(database.pool))
    const usernames = await fill(stage)
    const usable = async () => {
      const records = await askInTurn(usernames, (username) => mirror.findHa1(realm, username, 'ha1'))
      return records.filter((record) => record?.usable && record.ha1 !== undefined).length
    }
    const hashes = async () => {
      const found = await askInTurn(usernames, (username) => hashOf(redis, realm, username))
      return found.filter(({ ha1 }) => ha1 !== undefined).length
    }
    const sweeper = createAccountSweeper({ pool: database.pool, publisher: stage.relay, mirror, log: SILENT })
    t.teardown(() => sweeper.close())
    const sweeps = async () => (await database.pool.query('select from account_sweeps')).rowCount
    t.equal(await usable(), MANY)
    await stage.provision.accounts.update(stage.accountSid, { status: 'suspended' })
    t.equal(await usable(), 0, 'when it is answered')
    t.equal(await sweeps(), 1)
    // One slice by a process that ends then; another goes on where it was.
    const slice = await inTransaction(database.pool, (tx) => sweepSlice(tx, 500))
    t.equal(slice?.length, 500)
    await stage.relay.publish(slice ?? [])
    if (where === 'in Redis') t.equal(await hashes(), MANY - 500)
    sweeper.start()
    await until(async () => (await sweeps()) === 0 && (await stage.pending()) === 0)
    if (where === 'in Redis') t.equal(await hashes(), 0, 'what proxies read')
    if (where === 'in Redis') t.same(await differences(realm), [])
    await sweeper.close()
    await stage.provision.accounts.update(stage.accountSid, { status: 'active' })
    const reader = createDatabaseReader(database.pool)
    const deps = { metrics: stage.metrics, log: SILENT, now: Date.now }
    const source = createCredentialSource({ mirror, database: reader, ...deps })
    await until(() => mirror.current)
    t.match(
      await source.findHa1(realm, 'u1299', 'ha1'),
      { value: { usable: true } },
      'let in again when it is answered',
    )
    if (where === 'in Redis') t.equal(await hashes(), 0, 'before any of the records')
    const next = createAccountSweeper({ pool: database.pool, publisher: stage.relay, mirror, log: SILENT })
    t.teardown(() => next.close())
    next.start()
    await until(async () => (await sweeps()) === 0 && (await stage.pending()) === 0)
    t.equal(await usable(), MANY)
    if (where === 'in Redis') t.same(await differences(realm), [])
    t.notOk(await redis.hexists(`sipauth:realm:${realm}`, 'active'), 'nothing is left of it')
  })
}

t.test('of two changes of the status soon after each other, the later alone is followed to its end', async (t) => {
  const stage = await createStage(t, database, redis)
  const { mirror, provision, accountSid } = stage
  const usernames = await fill(stage)
  await provision.accounts.update(accountSid, { status: 'suspended' })
  await inTransaction(database.pool, (tx) => sweepSlice(tx, 500))
  await provision.accounts.update(accountSid, { status: 'active' })
  stage.published.length = 0
  const sweeper = createAccountSweeper({ pool: database.pool, publisher: stage.publisher, mirror, log: SILENT })
  await sweeper.finish()
  t.equal(stage.published.length, usernames.length)
  t.equal((await database.pool.query('select from account_sweeps')).rowCount, 0)
})

t.test('a list that is made in a suspended account is in the mirror as in the database', async (t) => {
  const stage = await createStage(t, database, redis)
  const { accounts, credentialLists } = stage.provision
  await accounts.update(stage.accountSid, { status: 'suspended' })
  const { realm } = await credentialLists.create(stage.accountSid, { friendlyName: 'late', realm: 'late.example' })
  t.equal(await redis.hget(`sipauth:realm:${realm}`, 'active'), '0')
  const { sid, updatedAt } = await credentialLists.create(stage.accountSid, { friendlyName: 'later', realm })
  const same = await credentialLists.update(stage.accountSid, sid, { friendlyName: 'later' })
  t.same(same.updatedAt, updatedAt, 'nothing is written for nothing there either')
  await accounts.update(stage.accountSid, { status: 'active' })
  t.notOk(await redis.hexists(`sipauth:realm:${realm}`, 'active'))
})

t.test('a list of many credentials is deleted with all of them', async (t) => {
  const stage = await createStage(t, database, redis)
  const { accountSid, listSid, realm, provision } = stage
  const usernames = await fill(stage)
  const { sid } = await provision.domains.create(accountSid, { domainName: 'many.example' })
  await provision.domainMappings.mapCredentialList(accountSid, sid, 'calls', listSid)
  await t.rejects(provision.credentialLists.delete(accountSid, listSid), { code: 'list_in_use' })
  t.ok(await redis.exists(`sipauth:cred:${realm}:u0`), 'none of it while a domain uses it')
  await provision.domainMappings.unmapCredentialList(accountSid, sid, 'calls', listSid)
  await provision.credentialLists.delete(accountSid, listSid)
  const left = await askInTurn(usernames, (username) => redis.hget(`sipauth:cred:${realm}:${username}`, 'ha1'))
  t.same(new Set(left), new Set([null]))
  const { rows } = await database.pool.query(
    `select detail ->> 'credentials' as credentials from audit
     where action = 'credential_list.delete' and resource_sid = $1`,
    [listSid],
  )
  t.same(rows, [{ credentials: String(MANY) }], 'one line of the list')
})

t.test('a deletion that is interrupted has deleted some, and is completed when asked again', async (t) => {
  const stage = await createStage(t, database, redis)
  const { accountSid, listSid, provision } = stage
  await fill(stage)
  const killed = { publish: () => Promise.reject(new Error('killed')) }
  const other = createProvision({ pool: database.pool, publisher: killed, sipDomain: 'sip.test' })
  await t.rejects(other.credentialLists.delete(accountSid, listSid), { message: 'killed' })
  const left = async () => {
    const { rows } = await database.pool.query<{ left: number }>(
      'select count(*)::int as left from credentials where list_sid = $1',
      [listSid],
    )
    return rows[0]?.left
  }
  t.equal(await left(), MANY - 1_000)
  const { sid } = await provision.domains.create(accountSid, { domainName: 'interrupted.example' })
  await provision.domainMappings.mapCredentialList(accountSid, sid, 'calls', listSid)
  await t.rejects(provision.credentialLists.delete(accountSid, listSid), { code: 'list_in_use' })
  t.equal(await left(), MANY - 1_000, 'a domain has come to use what is left')
  await provision.domainMappings.unmapCredentialList(accountSid, sid, 'calls', listSid)
  await provision.credentialLists.delete(accountSid, listSid)
  t.equal(await left(), 0)
  await t.rejects(provision.credentialLists.delete(accountSid, listSid), { code: 'not_found' })
  const { rows } = await database.pool.query(
    `select action, detail ->> 'credentials' as credentials from audit
     where resource_sid = $1 and action like '%delete%' order by id`,
    [listSid],
  )
  t.same(rows, [
    { action: 'credential_list.delete_credentials', credentials: '1000' },
    { action: 'credential_list.delete', credentials: '300' },
  ])
  stage.relay.start()
  await until(async () => (await stage.pending()) === 0)
  t.same(await differences(stage.realm), [])
})

t.test('of two deletions of one big list at once both are right that it is gone', async (t) => {
  const stage = await createStage(t, database, redis)
  const { accountSid, listSid, provision } = stage
  await fill(stage)
  const remove = () => provision.credentialLists.delete(accountSid, listSid)
  const outcomes = await Promise.allSettled([remove(), remove()])
  t.ok(outcomes.some(({ status }) => status === 'fulfilled'))
  for (const outcome of outcomes) if (outcome.status === 'rejected') t.match(outcome.reason, { code: 'not_found' })
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
