import type { Test } from 'tap'
import type { Ha1Field, StoredHa1s } from '../../src/credential.js'
import { computeHa1s } from '../../src/provision/ha1s.js'
import type { ImportInput, ImportOutcome } from '../../src/provision/imports.js'
import { Rehearsal } from '../../src/provision/rehearsal.js'
import type { RedisClient } from '../../src/redis/client.js'
import { listAudit } from '../../src/store/audit.js'
import type { Database } from '../../src/store/database.js'
import { createStage, hashOf, PASSWORD, type Stage } from './stage.js'

const PAGE = { before: undefined, size: 10 }

/** A user as a source with these HA1s alone has it. */
export function toInput(
  { realm }: Pick<Stage, 'realm'>,
  username: string,
  fields: readonly Ha1Field[],
  given: { password?: string; enabled?: boolean; description?: string } = {},
): ImportInput {
  const { password = PASSWORD, enabled, description } = given
  const all = computeHa1s(username, realm, password)
  const some = Object.fromEntries(fields.map((field) => [field, all[field]])) as Partial<StoredHa1s>
  return { username, enabled, description, ha1s: { ...some, ha1: all.ha1 } }
}

const ALL = ['ha1', 'ha1_sha256', 'ha1_sha512_256', 'ha1b', 'ha1b_sha256', 'ha1b_sha512_256'] as const

/** Imports into the stage's list, and answers when it is mirrored. */
export async function runImport(
  { provision, accountSid, listSid, realm }: Stage,
  inputs: readonly ImportInput[],
  update = false,
): Promise<ImportOutcome[]> {
  const { outcomes, published } = await provision.imports.run({ accountSid, sid: listSid, realm }, inputs, update)
  await published
  return outcomes
}

/** What the realm's challenges leave out, as the mirror and the database tell. */
async function lackingOf({ mirror, realm }: Stage): Promise<readonly string[] | undefined> {
  return (await mirror.findRealm(realm))?.lacking
}

/** What an import writes, on a database of either kind. */
export async function testImports(t: Test, where: string, database: Database, redis: RedisClient): Promise<void> {
  await t.test(`${where}, an import writes many with their changes and one line of the audit trail`, async (t) => {
    const stage = await createStage(t, database, redis)
    await stage.createUser('bob')
    const other = await stage.provision.credentialLists.create(stage.accountSid, { friendlyName: 'b' })
    const { accountSid, realm } = stage
    await stage.provision.credentials.create(accountSid, other.sid, { username: 'carol', password: PASSWORD })
    const inputs = [
      toInput(stage, 'alice', ALL, { enabled: false, description: 'a "quoted", {one}\\' }),
      toInput(stage, 'alice', ALL),
      toInput(stage, 'bob', ALL),
      toInput(stage, 'bob', ALL, { password: 'Another-horse-2' }),
      toInput(stage, 'carol', ALL),
      toInput(stage, 'dave', ['ha1']),
    ]
    const target = { accountSid, sid: stage.listSid, realm }
    const outcomes = ['created', 'unchanged', 'unchanged', 'different', 'elsewhere', 'created']
    const before = await countRows(database)
    t.same(
      await stage.provision.imports.rehearse(target, inputs, false, new Rehearsal()),
      outcomes,
      'a rehearsal tells the same',
    )
    t.same(await countRows(database), before, 'and writes nothing')
    stage.published.length = 0
    t.same(await runImport(stage, inputs), outcomes)
    t.equal(await stage.pending(), 0)
    t.same(Object.keys(await hashOf(redis, realm, 'alice')).sort(), ['account', 'list', 'sid', 'v'], 'not enabled')
    t.equal((await hashOf(redis, realm, 'dave')).ha1, toInput(stage, 'dave', []).ha1s.ha1)
    const { rows } = await database.pool.query(
      `select username, description, account_sid, list_sid, ha1_sha256 is null as lacks from credentials
       where realm = $1 and username in ('alice', 'dave') order by username`,
      [realm],
    )
    const sids = { account_sid: accountSid, list_sid: stage.listSid }
    t.same(rows, [
      { username: 'alice', description: 'a "quoted", {one}\\', ...sids, lacks: false },
      { username: 'dave', description: '', ...sids, lacks: true },
    ])
    const audited = await database.pool.query(
      `select resource_sid, door, detail from audit where account_sid = $1 and action = 'credential.import'`,
      [accountSid],
    )
    const usernames = { created: ['alice', 'dave'], updated: [] }
    t.same(audited.rows, [{ resource_sid: stage.listSid, door: 'cli', detail: { created: 2, updated: 0, usernames } }])
  })

  await t.test(`${where}, an import that may update replaces what differs, and mixes no two passwords`, async (t) => {
    const stage = await createStage(t, database, redis)
    const { sid } = await stage.createUser('alice')
    const changed = toInput(stage, 'alice', ['ha1'], { password: 'Another-horse-2' })
    t.same(await runImport(stage, [changed], true), ['updated'])
    const { ha1, v, sid: mirroredSid, ...rest } = await hashOf(redis, stage.realm, 'alice')
    t.equal(ha1, changed.ha1s.ha1)
    t.equal(mirroredSid, sid, 'it is the same credential still')
    t.same(Object.keys(rest).sort(), ['account', 'list'], 'HA1s of the former password are gone')
    const trail = await listAudit(database.pool, { resourceSid: sid, action: 'credential.import' }, PAGE)
    const identity = { username: 'alice', realm: stage.realm, credentialListSid: stage.listSid }
    t.match(trail, [{ author: { door: 'cli' }, detail: { ...identity, password: true } }], 'its own trail tells of it')
    const [batch] = await listAudit(database.pool, { resourceSid: stage.listSid, action: 'credential.import' }, PAGE)
    t.same(batch?.detail, { created: 0, updated: 1, usernames: { created: [], updated: ['alice'] } })
    const completed = toInput(stage, 'alice', ['ha1_sha256'], { password: 'Another-horse-2' })
    t.same(await runImport(stage, [completed]), ['different'])
    t.same(await runImport(stage, [completed, completed], true), ['updated', 'unchanged'])
    t.match(await hashOf(redis, stage.realm, 'alice'), completed.ha1s, 'what fits the same password is added')
    const version = (await hashOf(redis, stage.realm, 'alice')).v ?? '0'
    t.ok(BigInt(version) > BigInt(v ?? 0))
    t.same(await runImport(stage, [completed], true), ['unchanged'])
    t.equal((await hashOf(redis, stage.realm, 'alice')).v, version, 'what is there already is left alone')
  })

  await t.test(`${where}, a realm is challenged with what all of its users can answer, at once`, async (t) => {
    const stage = await createStage(t, database, redis)
    const { accountSid, listSid, realm, provision } = stage
    const sidOf = async (username: string) => (await hashOf(redis, realm, username)).sid ?? ''
    await runImport(stage, [toInput(stage, 'full', ALL)])
    t.equal(await lackingOf(stage), undefined)
    await runImport(stage, [toInput(stage, 'alice', ['ha1', 'ha1_sha256'])])
    t.same(await lackingOf(stage), ['SHA-512-256'])
    await runImport(stage, [toInput(stage, 'bob', ['ha1', 'ha1b']), toInput(stage, 'carol', ['ha1'])])
    t.same(await lackingOf(stage), ['SHA-256', 'SHA-512-256'])

    await provision.credentials.update(accountSid, listSid, await sidOf('bob'), { enabled: false })
    t.same(await lackingOf(stage), ['SHA-256', 'SHA-512-256'], 'he is still there, and may come back')
    await provision.credentials.update(accountSid, listSid, await sidOf('bob'), { password: PASSWORD })
    t.same(await lackingOf(stage), ['SHA-256', 'SHA-512-256'], 'there is another one')
    await provision.credentials.delete(accountSid, listSid, await sidOf('carol'))
    t.same(await lackingOf(stage), ['SHA-512-256'])
    await provision.credentials.update(accountSid, listSid, await sidOf('alice'), { password: PASSWORD })
    t.equal(await lackingOf(stage), undefined)
    t.same(Object.keys(await redis.hgetall(`sipauth:realm:${realm}`)), ['v'], 'its record is gone from Redis')

    await runImport(stage, [toInput(stage, 'dave', ['ha1'])])
    t.same(await lackingOf(stage), ['SHA-256', 'SHA-512-256'])
    await provision.credentialLists.delete(accountSid, listSid)
    t.equal(await lackingOf(stage), undefined, 'the list took him away')
    t.equal(await stage.pending(), 0)
  })

  await t.test(`${where}, a realm's last users without an HA1 are given passwords at the same moment`, async (t) => {
    const stage = await createStage(t, database, redis)
    const { accountSid, listSid, realm, provision } = stage
    const names = ['u1', 'u2', 'u3', 'u4']
    await runImport(
      stage,
      names.map((name) => toInput(stage, name, ['ha1'])),
    )
    const sids = await Promise.all(names.map(async (name) => (await hashOf(redis, realm, name)).sid ?? ''))
    await Promise.all(
      sids.map((sid, index) =>
        index % 2
          ? provision.credentials.delete(accountSid, listSid, sid)
          : provision.credentials.update(accountSid, listSid, sid, { password: PASSWORD }),
      ),
    )
    t.equal(await lackingOf(stage), undefined)
    t.equal(await stage.pending(), 0)
  })

  await t.test(`${where}, an import and other writers of its names leave the same in both stores`, async (t) => {
    const stage = await createStage(t, database, redis)
    const { accountSid, listSid, realm, provision } = stage
    const names = Array.from({ length: 20 }, (_, index) => `u${index}`)
    const inputs = names.map((name) => toInput(stage, name, ['ha1'], { password: 'Imported-1' }))
    await Promise.allSettled([
      runImport(stage, inputs, true),
      ...names.slice(0, 10).map((username) => stage.createUser(username)),
      runImport(stage, [...inputs].reverse()),
      provision.accounts.update(accountSid, { status: 'suspended' }),
    ])
    await provision.accounts.update(accountSid, { status: 'active' })
    const { rows } = await database.pool.query<{ username: string; ha1: string; version: string }>(
      'select username, ha1, version from credentials where list_sid = $1 order by username',
      [listSid],
    )
    t.same(
      rows.map(({ username }) => username),
      [...names].sort(),
    )
    for (const { username, ha1, version } of rows) {
      t.match(await hashOf(redis, realm, username), { ha1, v: version })
    }
    const lacking = rows.length - (await countFull(database, listSid))
    t.equal((await lackingOf(stage)) !== undefined, lacking > 0)
    t.equal(await stage.pending(), 0)
  })
}

async function countRows({ pool }: Database): Promise<unknown> {
  const { rows } = await pool.query(
    `select (select count(*)::int from credentials) as credentials, (select count(*)::int from outbox) as outbox,
            (select count(*)::int from audit) as audit`,
  )
  return rows[0]
}

async function countFull({ pool }: Database, listSid: string): Promise<number> {
  const { rows } = await pool.query<{ full: number }>(
    'select count(*)::int as full from credentials where list_sid = $1 and ha1_sha256 is not null',
    [listSid],
  )
  return rows[0]?.full ?? -1
}
