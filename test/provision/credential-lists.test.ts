import t from 'tap'
import { createSid } from '../../src/sid.js'
import { lockAccount } from '../../src/store/accounts.js'
import { insertCredentialList, updateCredentialList } from '../../src/store/credential-lists.js'
import { inTransaction } from '../../src/store/database.js'
import { claimRealm } from '../../src/store/realms.js'
import { startPostgres } from '../fixtures/postgres.js'
import { startRedis } from '../fixtures/redis.js'
import { until } from '../fixtures/until.js'
import { createStage, hashOf, openRedis, openStore, PASSWORD, type Stage, waiting } from './stage.js'

const postgres = await startPostgres(t)
const redisServer = await startRedis(t)
const redis = await openRedis(t, redisServer.url)
const database = await openStore(t, await postgres.createDatabase())

async function ownerOf({ database }: Stage, realm: string): Promise<string | undefined> {
  const { rows } = await database.pool.query<{ account_sid: string }>(
    'select account_sid from realms where realm = $1',
    [realm],
  )
  return rows[0]?.account_sid
}

async function refusals(work: readonly Promise<unknown>[]): Promise<string[]> {
  const outcomes = await Promise.allSettled(work)
  return outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [String(outcome.reason.code)] : []))
}

t.test("a list's name is unique in its account, and in no other", async (t) => {
  const one = await createStage(t, database, redis)
  const other = await createStage(t, database, redis)
  const { credentialLists } = one.provision
  const taken = { code: 'friendly_name_taken', field: 'FriendlyName' }
  await t.rejects(credentialLists.create(one.accountSid, { friendlyName: 'phones' }), taken)
  const second = await credentialLists.create(one.accountSid, { friendlyName: 'more phones' })
  await t.rejects(credentialLists.update(one.accountSid, second.sid, { friendlyName: 'phones' }), taken)
  await t.resolves(other.provision.credentialLists.create(other.accountSid, { friendlyName: 'more phones' }))
  const names = Array.from({ length: 5 }, () => credentialLists.create(one.accountSid, { friendlyName: 'at once' }))
  t.same(await refusals(names), Array(4).fill('friendly_name_taken'))
})

t.test('a realm belongs to one account, in lower case, and is freed with its last list', async (t) => {
  const one = await createStage(t, database, redis)
  const other = await createStage(t, database, redis)
  const realm = `${one.accountSid.toLowerCase()}.example.com`
  const create = ({ provision, accountSid }: Stage, friendlyName: string) =>
    provision.credentialLists.create(accountSid, { friendlyName, realm: realm.toUpperCase() })
  const [first, second] = [await create(one, 'first'), await create(one, 'second')]
  t.equal(first.realm, realm)
  await t.rejects(create(other, 'mine now'), { code: 'realm_taken', field: 'Realm' })
  await t.rejects(other.provision.credentialLists.update(other.accountSid, other.listSid, { realm }), {
    code: 'realm_taken',
  })
  await one.provision.credentialLists.delete(one.accountSid, first.sid)
  await t.rejects(create(other, 'mine now'), { code: 'realm_taken' }, 'the second list still has it')
  await one.provision.credentialLists.delete(one.accountSid, second.sid)
  t.equal(await ownerOf(one, realm), undefined)
  await t.resolves(create(other, 'mine now'))
  t.equal(await ownerOf(one, realm), other.accountSid)
})

t.test('of accounts that take one realm at once exactly one gets it', async (t) => {
  const stages = [await createStage(t, database), await createStage(t, database), await createStage(t, database)]
  const realm = `${stages[0]?.accountSid.toLowerCase()}.example.net`
  const taken = await refusals(
    stages.map(({ provision, accountSid }) =>
      provision.credentialLists.create(accountSid, { friendlyName: 'mine', realm }),
    ),
  )
  t.same(taken, ['realm_taken', 'realm_taken'])
})

t.test("an account's own realm stays its own without any list", async (t) => {
  const one = await createStage(t, database, redis)
  const other = await createStage(t, database, redis)
  await one.provision.credentialLists.delete(one.accountSid, one.listSid)
  t.equal(await ownerOf(one, one.realm), one.accountSid)
  const create = other.provision.credentialLists.create(other.accountSid, { friendlyName: 'x', realm: one.realm })
  await t.rejects(create, { code: 'realm_taken' })
})

t.test('a realm can change while its list is empty and is fixed afterwards', async (t) => {
  const stage = await createStage(t, database, redis)
  const { credentialLists } = stage.provision
  const realm = `moved-${stage.accountSid.toLowerCase()}.example.com`
  t.match(await credentialLists.update(stage.accountSid, stage.listSid, { realm }), { realm })
  const { sid } = await stage.createUser('alice')
  await t.rejects(credentialLists.update(stage.accountSid, stage.listSid, { realm: 'else.example.com' }), {
    code: 'realm_fixed',
    field: 'Realm',
  })
  await t.resolves(credentialLists.update(stage.accountSid, stage.listSid, { realm, friendlyName: 'renamed' }))
  await stage.provision.credentials.delete(stage.accountSid, stage.listSid, sid)
  await t.resolves(credentialLists.update(stage.accountSid, stage.listSid, { realm: stage.realm }))
  t.equal(await ownerOf(stage, realm), undefined, 'the realm that was left is free')
})

t.test('lists that swap their realms at once both succeed', async (t) => {
  const stage = await createStage(t, database, redis)
  const { credentialLists } = stage.provision
  const [a, b] = ['a', 'b'].map((name) => `${name}.${stage.accountSid.toLowerCase()}.example.com`)
  const create = (realm = '') => credentialLists.create(stage.accountSid, { friendlyName: realm, realm })
  const [one, two] = [await create(a), await create(b)]
  for (let round = 0; round < 4; round++) {
    const [there, back] = round % 2 ? [a, b] : [b, a]
    const moves = [
      credentialLists.update(stage.accountSid, one.sid, { realm: there }),
      credentialLists.update(stage.accountSid, two.sid, { realm: back }),
    ]
    t.same(await refusals(moves), [])
  }
})

t.test('a list that gets another realm while a write waits for it is found all the same', async (t) => {
  const stage = await createStage(t, database, redis)
  const { credentialLists } = stage.provision
  const realm = `moving.${stage.accountSid.toLowerCase()}.example.com`
  let renamed: Promise<unknown> = Promise.resolve()
  await inTransaction(database.pool, async (tx) => {
    await claimRealm(tx, realm, stage.accountSid)
    await updateCredentialList(tx, stage.listSid, { realm })
    renamed = credentialLists.update(stage.accountSid, stage.listSid, { friendlyName: 'renamed' })
    await until(async () => (await waiting(stage)) === 1)
  })
  t.match(await renamed, { friendlyName: 'renamed', realm })
})

t.test('a realm that its last list leaves stays, where a new list comes into it meanwhile', async (t) => {
  const stage = await createStage(t, database, redis)
  const { accountSid } = stage
  const [smaller, larger] = ['a', 'z'].map((name) => `${name}.${accountSid.toLowerCase()}.example.com`)
  const { sid } = await stage.provision.credentialLists.create(accountSid, { friendlyName: 'one', realm: larger })
  let moved: Promise<unknown> = Promise.resolve()
  await inTransaction(database.pool, async (tx) => {
    const { realm } = await claimRealm(tx, larger ?? '', accountSid)
    await insertCredentialList(tx, { sid: createSid('credentialList'), accountSid, friendlyName: 'two', realm })
    moved = stage.provision.credentialLists.update(accountSid, sid, { realm: smaller })
    await until(async () => (await waiting(stage)) === 1)
  })
  t.match(await moved, { realm: smaller })
  t.equal(await ownerOf(stage, larger ?? ''), accountSid)
})

t.test('every write of a list waits for its account before it locks anything else', async (t) => {
  const stage = await createStage(t, database, redis)
  const { accountSid, listSid } = stage
  const { credentialLists } = stage.provision
  const realm = `new.${accountSid.toLowerCase()}.example.com`
  const writes = [
    () => credentialLists.create(accountSid, { friendlyName: 'another', realm }),
    () => credentialLists.update(accountSid, listSid, { realm }),
    () => credentialLists.delete(accountSid, listSid),
  ]
  for (const write of writes) {
    let written: Promise<unknown> = Promise.resolve()
    await inTransaction(database.pool, async (tx) => {
      await lockAccount(tx, accountSid, 'update')
      written = write()
      await until(async () => (await waiting(stage)) === 1)
      await tx.query('select from credential_lists where account_sid = $1 for update nowait', [accountSid])
      await claimRealm(tx, realm, accountSid)
    })
    await t.resolves(written)
  }
})

t.test("a realm's own algorithms reach the mirror, and leave it with the realm", async (t) => {
  const stage = await createStage(t, database, redis)
  const { credentialLists } = stage.provision
  const realm = `sha.${stage.accountSid.toLowerCase()}.example.com`
  const algorithms = ['SHA-256', 'MD5'] as const
  const list = await credentialLists.create(stage.accountSid, { friendlyName: 'sha', realm, algorithms })
  t.same(list.algorithms, algorithms)
  t.equal(await redis.hget(`sipauth:realm:${realm}`, 'algorithms'), 'SHA-256,MD5')
  t.same(await stage.mirror.findRealm(realm), { algorithms, lacking: [], active: true })
  const beside = credentialLists.create(stage.accountSid, { friendlyName: 'b', realm, algorithms: ['MD5'] })
  await t.rejects(beside, { code: 'invalid', field: 'Algorithms' })
  await credentialLists.update(stage.accountSid, list.sid, { algorithms: ['MD5'] })
  t.same(await stage.mirror.findRealm(realm), { algorithms: ['MD5'], lacking: [], active: true })
  await credentialLists.delete(stage.accountSid, list.sid)
  t.equal(await stage.mirror.findRealm(realm), undefined)
  t.same(Object.keys(await redis.hgetall(`sipauth:realm:${realm}`)), ['v'])
})

t.test('deleting a list while its users are written anew ends with the same in both stores', async (t) => {
  const stage = await createStage(t, database, redis)
  const { credentialLists, credentials } = stage.provision
  const realm = `race.${stage.accountSid.toLowerCase()}.example.com`
  for (let round = 0; round < 4; round++) {
    const create = (friendlyName: string) => credentialLists.create(stage.accountSid, { friendlyName, realm })
    const [old, next] = [await create(`old ${round}`), await create(`next ${round}`)]
    const add = (list: { sid: string }, username: string) =>
      credentials.create(stage.accountSid, list.sid, { username, password: PASSWORD })
    const users = await Promise.all(['u1', 'u2', 'u3'].map((username) => add(old, username)))
    await Promise.allSettled([
      ...users.map(({ sid }) => credentials.update(stage.accountSid, old.sid, sid, { password: 'Changed-1' })),
      credentialLists.delete(stage.accountSid, old.sid),
      ...['u1', 'u2', 'u3', 'u4'].map((username) => add(next, username)),
      add(old, 'u5'),
    ])
    const { rows } = await database.pool.query('select username, sid, ha1 from credentials where realm = $1', [realm])
    const mirrored = await Promise.all(
      ['u1', 'u2', 'u3', 'u4', 'u5'].map(async (username) => {
        const { sid, ha1 } = await hashOf(redis, realm, username)
        return sid ? [{ username, sid, ha1 }] : []
      }),
    )
    const byName = (a: { username: string }, b: { username: string }) => (a.username < b.username ? -1 : 1)
    t.same(mirrored.flat(), rows.sort(byName))
    await credentialLists.delete(stage.accountSid, next.sid)
    for (const username of ['u1', 'u4']) t.same(Object.keys(await hashOf(redis, realm, username)), ['v'])
  }
  t.equal(await stage.pending(), 0)
})

t.test('creations at once never exceed 100 lists in an account', async (t) => {
  const stage = await createStage(t, database)
  await database.pool.query(
    `insert into credential_lists (sid, account_sid, friendly_name, realm)
     select 'CL' || md5($1 || n), $1, 'list ' || n, $2 from generate_series(1, 97) n`,
    [stage.accountSid, stage.realm],
  )
  const creations = Array.from({ length: 6 }, (_, n) =>
    stage.provision.credentialLists.create(stage.accountSid, { friendlyName: `late ${n}` }),
  )
  t.same(await refusals(creations), Array(4).fill('too_many_lists'))
})
