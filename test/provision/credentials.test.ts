import t from 'tap'
import { computeHa1 } from '../../src/digest/ha1.js'
import { deleteCredentialList } from '../../src/store/credential-lists.js'
import { lockUsername } from '../../src/store/credentials.js'
import { inTransaction } from '../../src/store/database.js'
import { startPostgres } from '../fixtures/postgres.js'
import { startRedis } from '../fixtures/redis.js'
import { until } from '../fixtures/until.js'
import { testImports } from './imported.js'
import { createStage, hashOf, openRedis, openStore, PASSWORD, type Stage, waiting } from './stage.js'

const postgres = await startPostgres(t)
const redisServer = await startRedis(t)
const redis = await openRedis(t, redisServer.url)
const stores = {
  'on PostgreSQL': await openStore(t, await postgres.createDatabase()),
  'on the embedded database': await openStore(t),
}

async function versionOf({ database }: Stage, username: string): Promise<bigint> {
  const { rows } = await database.pool.query<{ version: string }>(
    'select version from credentials where username = $1 order by seq desc limit 1',
    [username],
  )
  return BigInt(rows[0]?.version ?? 0)
}

async function rowsOf({ database }: Stage): Promise<Readonly<Record<string, number>>> {
  const tables = ['credentials', 'outbox', 'audit']
  const counts = tables.map((table) => `(select count(*)::int from ${table}) as ${table}`)
  const { rows } = await database.pool.query<Record<string, number>>(`select ${counts.join()}`)
  return rows[0] ?? {}
}

for (const [where, database] of Object.entries(stores)) {
  t.test(`${where}, a write commits its row and its outbox row together and publishes the change`, async (t) => {
    const stage = await createStage(t, database, redis)
    stage.leaveToRelay = true
    await stage.createUser('alice')
    const { rows } = await database.pool.query(
      `select o.kind, c.realm, c.username from outbox o
       join credentials c on (c.realm, c.username, c.version) = (o.name, o.username, o.version)`,
    )
    t.same(rows, [{ kind: 'credential', realm: stage.realm, username: 'alice' }])
    t.match(stage.published, [{ kind: 'credential', realm: stage.realm, username: 'alice' }])
    await stage.relay.publish(stage.published)
    t.equal(await stage.pending(), 0)
  })

  t.test(
    `${where}, a transaction that fails leaves neither row nor outbox row nor audit row, and publishes nothing`,
    async (t) => {
      const stage = await createStage(t, database, redis)
      await stage.createUser('alice')
      stage.published.length = 0
      const before = await rowsOf(stage)
      await t.rejects(stage.createUser('alice'), { code: 'username_taken', field: 'Username' })
      await database.pool.query(`alter table outbox add constraint broken check (username <> 'mallory')`)
      t.teardown(() => database.pool.query('alter table outbox drop constraint if exists broken'))
      await t.rejects(stage.createUser('mallory'), { code: '23514' }, 'the outbox row fails after the credential row')
      t.same(await rowsOf(stage), before)
      t.same(stage.published, [])
      t.same(await hashOf(redis, stage.realm, 'mallory'), {})
    },
  )

  t.test(`${where}, the version grows with each change, a deletion and a new creation included`, async (t) => {
    const stage = await createStage(t, database, redis)
    const { credentials } = stage.provision
    const { sid } = await stage.createUser('alice')
    const created = await versionOf(stage, 'alice')
    await credentials.update(stage.accountSid, stage.listSid, sid, { enabled: false })
    const updated = await versionOf(stage, 'alice')
    await credentials.delete(stage.accountSid, stage.listSid, sid)
    await stage.createUser('alice')
    const recreated = await versionOf(stage, 'alice')
    const versions = stage.published.map(({ version }) => BigInt(version))
    t.ok(created < updated && updated < recreated)
    t.same(
      versions,
      [...versions].sort((a, b) => (a < b ? -1 : 1)),
    )
    t.equal((await hashOf(redis, stage.realm, 'alice')).v, String(recreated))
  })

  t.test(`${where}, of many creations of one name at once exactly one succeeds`, async (t) => {
    const stage = await createStage(t, database, redis)
    const outcomes = await Promise.allSettled(
      Array.from({ length: 8 }, (_, n) => stage.createUser('alice', `${PASSWORD}${n}`)),
    )
    const refused = outcomes.filter((outcome) => outcome.status === 'rejected')
    t.equal(refused.length, 7)
    t.ok(refused.every(({ reason }) => reason.code === 'username_taken'))
    const winner = outcomes.findIndex(({ status }) => status === 'fulfilled')
    const { ha1 } = await hashOf(redis, stage.realm, 'alice')
    t.equal(ha1, computeHa1('MD5', 'alice', stage.realm, `${PASSWORD}${winner}`))
    t.equal(stage.published.length, 1)
  })

  t.test(
    `${where}, Redis ends with what was committed last, whatever races: updates, deletions, creations`,
    async (t) => {
      const stage = await createStage(t, database, redis)
      const { credentials } = stage.provision
      for (let round = 0; round < 5; round++) {
        const { sid } = await stage.createUser('bob')
        await Promise.allSettled([
          ...Array.from({ length: 6 }, (_, n) =>
            credentials.update(stage.accountSid, stage.listSid, sid, { password: `Changed-${round}-${n}` }),
          ),
          round % 2 ? credentials.delete(stage.accountSid, stage.listSid, sid) : stage.createUser('carol'),
          stage.createUser('bob', `Recreated-${round}`),
        ])
        const { rows } = await database.pool.query<{ sid: string; ha1: string; version: string }>(
          'select sid, ha1, version from credentials where realm = $1 and username = $2',
          [stage.realm, 'bob'],
        )
        const { ha1, v, sid: mirrored } = await hashOf(redis, stage.realm, 'bob')
        const [row] = rows
        t.same({ ha1, sid: mirrored }, { ha1: row?.ha1, sid: row?.sid })
        if (row) t.equal(v, row.version)
        for (const left of rows) await credentials.delete(stage.accountSid, stage.listSid, left.sid)
      }
      t.equal(await stage.pending(), 0)
    },
  )

  t.test(`${where}, a password is stored as six HA1s and nowhere itself`, async (t) => {
    const stage = await createStage(t, database, redis)
    const { sid } = await stage.createUser('alice')
    const { rows } = await database.pool.query('select * from credentials where sid = $1', [sid])
    t.notMatch(JSON.stringify(rows), PASSWORD)
    const { realm } = stage
    t.match(rows[0], {
      ha1: computeHa1('MD5', 'alice', realm, PASSWORD),
      ha1_sha256: computeHa1('SHA-256', 'alice', realm, PASSWORD),
      ha1_sha512_256: computeHa1('SHA-512-256', 'alice', realm, PASSWORD),
      ha1b: computeHa1('MD5', `alice@${realm}`, realm, PASSWORD),
      ha1b_sha256: computeHa1('SHA-256', `alice@${realm}`, realm, PASSWORD),
      ha1b_sha512_256: computeHa1('SHA-512-256', `alice@${realm}`, realm, PASSWORD),
    })
    await stage.provision.credentials.update(stage.accountSid, stage.listSid, sid, { description: 'desk 4' })
    const { ha1 } = await hashOf(redis, realm, 'alice')
    t.equal(ha1, computeHa1('MD5', 'alice', realm, PASSWORD), 'a change of something else leaves it')
  })

  t.test(`${where}, what is another account's or list's does not exist`, async (t) => {
    const mine = await createStage(t, database, redis)
    const other = await createStage(t, database, redis)
    const { sid } = await mine.createUser('alice')
    const { credentials } = other.provision
    const strangers = [
      [other.accountSid, mine.listSid],
      [other.accountSid, other.listSid],
      [mine.accountSid, other.listSid],
    ] as const
    for (const [account, list] of strangers) {
      await t.rejects(credentials.update(account, list, sid, { enabled: false }), { code: 'not_found' })
      await t.rejects(credentials.delete(account, list, sid), { code: 'not_found' })
    }
    await t.rejects(credentials.create(other.accountSid, mine.listSid, { username: 'x', password: PASSWORD }), {
      code: 'not_found',
      field: 'CredentialListSid',
    })
    t.ok((await hashOf(redis, mine.realm, 'alice')).ha1)
  })

  t.test(`${where}, creations at once never exceed the limit of a list, where there is one`, async (t) => {
    const stage = await createStage(t, database, redis)
    await database.pool.query(
      `insert into credentials (sid, list_sid, account_sid, realm, username, version,
                                ha1, ha1_sha256, ha1_sha512_256, ha1b, ha1b_sha256, ha1b_sha512_256)
       select 'CR' || md5($1 || n), $1, $2, $3, 'user' || n, nextval('change_version'), '', '', '', '', '', ''
       from generate_series(1, 998) n`,
      [stage.listSid, stage.accountSid, stage.realm],
    )
    const create = (username: string, limit?: number) =>
      stage.provision.credentials.create(stage.accountSid, stage.listSid, { username, password: PASSWORD }, limit)
    const outcomes = await Promise.allSettled(Array.from({ length: 6 }, (_, n) => create(`late${n}`, 1000)))
    t.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 2)
    const refused = outcomes.filter((outcome) => outcome.status === 'rejected')
    t.ok(refused.every(({ reason }) => reason.code === 'too_many_credentials'))
    await t.resolves(create('one more'))
  })

  t.test(`${where}, the list named default appears with its first credential, and once`, async (t) => {
    const { provision, accountSid, realm } = await createStage(t, database, redis)
    const create = (username: string) =>
      provision.credentials.createInDefault(accountSid, { username, password: PASSWORD })
    const taken = { username: 'taken', password: PASSWORD }
    const { sid } = await provision.credentialLists.create(accountSid, { friendlyName: 'more' })
    await provision.credentials.create(accountSid, sid, taken)
    await t.rejects(create('taken'), { code: 'username_taken' })
    const lists = () =>
      database.pool.query('select sid, realm from credential_lists where account_sid = $1 and friendly_name = $2', [
        accountSid,
        'default',
      ])
    t.same((await lists()).rows, [], 'a refused creation leaves none')
    const created = await Promise.all(['ann', 'bob', 'cem', 'dan', 'eve'].map(create))
    const { rows } = await lists()
    t.match(rows, [{ realm }])
    t.same(new Set(created.map(({ listSid }) => listSid)), new Set(rows.map((row) => row.sid)))
    const { rows: trail } = await database.pool.query(
      `select door, detail from audit where action = 'credential_list.create' and resource_sid = $1`,
      [rows[0]?.sid],
    )
    t.match(trail, [{ door: 'cli', detail: { friendlyName: 'default', realm } }])
  })

  await testImports(t, where, database, redis)
}

t.test('on the embedded database, a suspension and the end of a list reach Redis for every credential', async (t) => {
  const stage = await createStage(t, stores['on the embedded database'], redis)
  const users = ['alice', 'bob']
  for (const user of users) await stage.createUser(user)
  await stage.provision.accounts.update(stage.accountSid, { status: 'suspended' })
  for (const user of users) t.same(Object.keys(await hashOf(redis, stage.realm, user)).length, 4)
  await stage.provision.accounts.update(stage.accountSid, { status: 'active' })
  for (const user of users) t.ok((await hashOf(redis, stage.realm, user)).ha1)
  await stage.provision.credentialLists.delete(stage.accountSid, stage.listSid)
  for (const user of users) t.same(Object.keys(await hashOf(redis, stage.realm, user)), ['v'])
  t.equal(await stage.pending(), 0)
})

t.test('of two updates of one credential at once the later commit has the higher version and stays', async (t) => {
  const database = stores['on PostgreSQL']
  const stage = await createStage(t, database, redis)
  const { credentials } = stage.provision
  const { sid } = await stage.createUser('alice')
  let first: Promise<unknown> = Promise.resolve()
  let second: Promise<unknown> = Promise.resolve()
  await inTransaction(database.pool, async (tx) => {
    // Both wait for this lock, in the order of their arrival.
    await lockUsername(tx, stage.realm, 'alice')
    first = credentials.update(stage.accountSid, stage.listSid, sid, { password: 'The-first-1' })
    await until(async () => (await waiting(stage)) === 1)
    second = credentials.update(stage.accountSid, stage.listSid, sid, { password: 'The-second-2' })
    await until(async () => (await waiting(stage)) === 2)
  })
  await Promise.all([first, second])
  const [, ...updates] = stage.published.map(({ version }) => BigInt(version))
  t.equal(updates.length, 2)
  const { ha1, v } = await hashOf(redis, stage.realm, 'alice')
  t.equal(ha1, computeHa1('MD5', 'alice', stage.realm, 'The-second-2'))
  t.equal(BigInt(v ?? 0), await versionOf(stage, 'alice'))
  t.ok(updates.every((version) => version <= BigInt(v ?? 0)))
})

t.test('a suspension that waits for a creation takes the new credential its HA1s too', async (t) => {
  const database = stores['on PostgreSQL']
  const stage = await createStage(t, database, redis)
  let created: Promise<unknown> = Promise.resolve()
  let suspended: Promise<unknown> = Promise.resolve()
  await inTransaction(database.pool, async (tx) => {
    await lockUsername(tx, stage.realm, 'alice')
    created = stage.createUser('alice')
    await until(async () => (await waiting(stage)) === 1)
    suspended = stage.provision.accounts.update(stage.accountSid, { status: 'suspended' })
    await until(async () => (await waiting(stage)) === 2)
  })
  await Promise.all([created, suspended])
  const { sid, ha1 } = await hashOf(redis, stage.realm, 'alice')
  t.ok(sid)
  t.equal(ha1, undefined)
})

t.test('a list named default that is deleted while a creation waits for it is made anew', async (t) => {
  const database = stores['on PostgreSQL']
  const stage = await createStage(t, database, redis)
  const { credentials } = stage.provision
  const create = (username: string) => credentials.createInDefault(stage.accountSid, { username, password: PASSWORD })
  const first = await create('alice')
  await credentials.delete(stage.accountSid, first.listSid, first.sid)
  const { created } = await inTransaction(database.pool, async (tx) => {
    await deleteCredentialList(tx, first.listSid)
    const created = Promise.allSettled([create('bob')])
    await until(async () => (await waiting(stage)) === 1)
    return { created }
  })
  const [second] = await created
  t.match(second, { status: 'fulfilled', value: { username: 'bob', realm: stage.realm } })
  t.not(second.status === 'fulfilled' && second.value.listSid, first.listSid)
})
