import t from 'tap'
import { inTransaction } from '../../src/store/database.js'
import { findMirroredDomains } from '../../src/store/mirrored-domains.js'
import { lockNames } from '../../src/store/taken-names.js'
import { startPostgres } from '../fixtures/postgres.js'
import { startRedis } from '../fixtures/redis.js'
import { until } from '../fixtures/until.js'
import { createStage, openRedis, openStore, type Stage, waiting } from './stage.js'

const postgres = await startPostgres(t)
const redisServer = await startRedis(t)
const redis = await openRedis(t, redisServer.url)
const database = await openStore(t, await postgres.createDatabase())

let names = 0
/** A host name that no other test has. */
function freshName(): string {
  names += 1
  return `domain-${names}.example`
}

/** What the mirror holds of a domain, which is to be what the database says. */
async function mirrored({ mirror, database }: Stage, name: string) {
  const held = await mirror.findDomain(name)
  const [wanted] = await findMirroredDomains(database.pool, [name])
  t.same(held, wanted)
  return held
}

async function codes(work: readonly Promise<unknown>[]): Promise<string[]> {
  const outcomes = await Promise.allSettled(work)
  return outcomes.map((outcome) => (outcome.status === 'rejected' ? String(outcome.reason.code) : 'done')).sort()
}

async function auditOf({ database, accountSid }: Stage): Promise<string[]> {
  const { rows } = await database.pool.query<{ action: string }>(
    'select action from audit where account_sid = $1 order by id',
    [accountSid],
  )
  return rows.map(({ action }) => action)
}

for (const [where, mirror] of Object.entries({ 'in Redis': redis, 'in memory': undefined })) {
  t.test(`${where}, a domain is mirrored when it is created, renamed and deleted`, async (t) => {
    const stage = await createStage(t, database, mirror)
    const { domains } = stage.provision
    const [first, second] = [freshName(), freshName()]
    const { sid, domainName } = await domains.create(stage.accountSid, { domainName: first.toUpperCase() })
    t.equal(domainName, first, 'in lower case')
    t.match(await mirrored(stage, first), {
      ...{ name: first, sid, accountSid: stage.accountSid, realm: stage.realm, active: true },
      ...{ calls: [], registrations: [], ipRanges: undefined },
    })
    stage.published.length = 0
    await domains.update(stage.accountSid, sid, { friendlyName: 'A name', domainName: first, voiceUrl: 'https://a/' })
    t.same(stage.published, [], 'what is not mirrored is no change')
    await domains.update(stage.accountSid, sid, { domainName: second })
    t.equal(await mirrored(stage, first), undefined)
    t.match(await mirrored(stage, second), { sid })
    await domains.delete(stage.accountSid, sid)
    t.equal(await mirrored(stage, second), undefined)
    await t.rejects(domains.delete(stage.accountSid, sid), { code: 'not_found' })
    await domains.create(stage.accountSid, { domainName: first })
    t.ok(await mirrored(stage, first), 'a name that was free again is taken anew')
    t.equal(await stage.pending(), 0)
    const did = ['domain.create', 'domain.update', 'domain.update', 'domain.delete', 'domain.create']
    t.same(
      (await auditOf(stage)).filter((action) => action.startsWith('domain')),
      did,
    )
  })

  t.test(`${where}, a domain is mirrored with the lists that may call and register`, async (t) => {
    const stage = await createStage(t, database, mirror)
    const { accountSid, listSid } = stage
    const { credentialLists, domains, domainMappings } = stage.provision
    const { sid, domainName } = await domains.create(accountSid, { domainName: freshName() })
    const realm = `realm.${domainName}`
    const phones = await credentialLists.create(accountSid, { friendlyName: 'in a realm', realm })
    const trunks = await credentialLists.create(accountSid, { friendlyName: 'in it too', realm })
    t.match(await domainMappings.mapCredentialList(accountSid, sid, 'calls', phones.sid), {
      ...{ sid: phones.sid, friendlyName: 'in a realm', domainSid: sid, accountSid },
    })
    t.match(await mirrored(stage, domainName), { realm, calls: [phones.sid], registrations: [] })
    await domainMappings.mapCredentialList(accountSid, sid, 'registrations', phones.sid)
    await domainMappings.mapCredentialList(accountSid, sid, 'calls', trunks.sid)
    t.match(await mirrored(stage, domainName), { calls: [phones.sid, trunks.sid], registrations: [phones.sid] })
    await t.rejects(domainMappings.mapCredentialList(accountSid, sid, 'calls', phones.sid), {
      message: "CredentialListSid names a list that is mapped to the domain's calls already",
    })
    await t.rejects(domainMappings.mapCredentialList(accountSid, sid, 'registrations', listSid), {
      message: 'CredentialListSid must name a list in the same realm as the other lists of the domain',
    })
    await domainMappings.unmapCredentialList(accountSid, sid, 'calls', trunks.sid)
    await domainMappings.unmapCredentialList(accountSid, sid, 'calls', phones.sid)
    t.match(await mirrored(stage, domainName), { realm, calls: [], registrations: [phones.sid] })
    await t.rejects(domainMappings.unmapCredentialList(accountSid, sid, 'calls', phones.sid), { code: 'not_found' })
    await domainMappings.unmapCredentialList(accountSid, sid, 'registrations', phones.sid)
    t.match(await mirrored(stage, domainName), { realm: stage.realm, registrations: [] }, "the account's own realm")
    await domainMappings.mapCredentialList(accountSid, sid, 'registrations', listSid)
    t.match(await mirrored(stage, domainName), { realm: stage.realm, registrations: [listSid] })
    await domains.delete(accountSid, sid)
    await t.resolves(credentialLists.delete(accountSid, listSid), 'a domain takes its mappings with it')
    t.equal(await stage.pending(), 0)
  })

  t.test(`${where}, all domains of an IP list follow its addresses`, async (t) => {
    const stage = await createStage(t, database, mirror)
    const { accountSid } = stage
    const { domains, domainMappings, ipAccessControlLists, ipAddresses } = stage.provision
    const list = await ipAccessControlLists.create(accountSid, 'offices')
    const two = [freshName(), freshName()]
    for (const domainName of two) {
      const { sid } = await domains.create(accountSid, { domainName })
      await domainMappings.mapIpAccessControlList(accountSid, sid, list.sid)
    }
    const ranges = async () => Promise.all(two.map(async (name) => (await mirrored(stage, name))?.ipRanges))
    t.same(await ranges(), [[], []], 'a list without addresses lets nobody in')
    const input = { friendlyName: 'main', ipAddress: '192.0.2.7' }
    const { sid } = await ipAddresses.create(accountSid, list.sid, input)
    t.same(await ranges(), Array(2).fill(['192.0.2.7/32']))
    await ipAddresses.create(accountSid, list.sid, { ...input, ipAddress: '2001:db8::', cidrPrefixLength: 32 })
    t.same(await ranges(), Array(2).fill(['192.0.2.7/32', '2001:db8::/32']))
    await ipAddresses.update(accountSid, list.sid, sid, { cidrPrefixLength: 24 })
    await ipAddresses.update(accountSid, list.sid, sid, { friendlyName: 'renamed', ipAddress: '198.51.100.0' })
    t.same(await ranges(), Array(2).fill(['198.51.100.0/24', '2001:db8::/32']), 'a prefix stays with its kind')
    t.match(await ipAddresses.update(accountSid, list.sid, sid, { ipAddress: '::1' }), { cidrPrefixLength: 128 })
    await t.rejects(ipAddresses.update(accountSid, list.sid, sid, { ipAddress: '192.0.2.1', cidrPrefixLength: 33 }), {
      message: 'CidrPrefixLength must not exceed 32 for this address',
    })
    await ipAddresses.delete(accountSid, list.sid, sid)
    t.same(await ranges(), Array(2).fill(['2001:db8::/32']))
    const domainSid = (await mirrored(stage, two[0] ?? ''))?.sid ?? ''
    await domainMappings.unmapIpAccessControlList(accountSid, domainSid, list.sid)
    t.same(await ranges(), [undefined, ['2001:db8::/32']], 'no list mapped is another thing than an empty list')
    await t.rejects(domainMappings.unmapIpAccessControlList(accountSid, domainSid, list.sid), { code: 'not_found' })
    t.equal(await stage.pending(), 0)
  })

  t.test(`${where}, a suspended account's domains are marked, and a reactivated one's are not`, async (t) => {
    const stage = await createStage(t, database, mirror)
    const name = freshName()
    await stage.provision.domains.create(stage.accountSid, { domainName: name })
    for (const status of ['suspended', 'active', 'closed'] as const) {
      await stage.provision.accounts.update(stage.accountSid, { status })
      t.match(await mirrored(stage, name), { active: status === 'active' }, status)
    }
    t.equal(await stage.pending(), 0)
  })
}

t.test('a domain and a realm lie under no other account, and above none', async (t) => {
  const [ann, bob] = [await createStage(t, database, redis), await createStage(t, database, redis)]
  const create = ({ provision, accountSid }: Stage, domainName: string) =>
    provision.domains.create(accountSid, { domainName })
  const claim = ({ provision, accountSid }: Stage, realm: string) =>
    provision.credentialLists.create(accountSid, { friendlyName: realm, realm })
  const taken = { code: 'domain_taken', field: 'DomainName' }
  const above = freshName()
  const name = `pbx.${above}`
  const { sid } = await create(ann, name)
  for (const wanted of [name, name.toUpperCase(), `a.b.${name}`, above, 'example']) {
    await t.rejects(create(bob, wanted), taken, wanted)
    await t.rejects(claim(bob, wanted), { code: 'realm_taken', field: 'Realm' }, `${wanted} as a realm`)
  }
  await t.rejects(create(ann, name), taken, 'its own account has it once')
  await t.resolves(create(bob, `other-${name}`), 'a name that only ends in the same letters is another name')
  await t.resolves(create(ann, `a.b.${name}`), 'what lies under it is for its own account')
  await t.resolves(claim(ann, name), 'and so is the realm')
  await t.rejects(bob.provision.credentialLists.update(bob.accountSid, bob.listSid, { realm: `c.${name}` }), {
    code: 'realm_taken',
  })
  const { sid: moving } = await create(bob, freshName())
  await t.rejects(bob.provision.domains.update(bob.accountSid, moving, { domainName: `c.${name}` }), taken)

  for (const label of ['com', 'localnet']) {
    if (label === 'com') await claim(ann, label)
    else await create(ann, label)
    await t.rejects(create(bob, label), taken, `${label} is taken`)
    await t.resolves(create(bob, `bob.${label}`), `what lies under ${label}, of one label, is anybody's`)
    await t.resolves(claim(bob, `realm.${label}`))
    await t.rejects(create(ann, `bob.${label}`), taken)
  }

  const realm = freshName()
  await claim(ann, realm)
  for (const wanted of [realm, `pbx.${realm}`]) await t.rejects(create(bob, wanted), taken, "another's realm")
  await t.resolves(create(ann, `pbx.${realm}`))

  await t.rejects(ann.provision.domains.delete(ann.accountSid, sid), { code: 'has_subdomains', field: 'DomainName' })
  await t.rejects(ann.provision.domains.update(ann.accountSid, sid, { domainName: freshName() }), {
    code: 'has_subdomains',
  })
})

t.test('the domain that new realms lie under is common ground', async (t) => {
  const [ann, bob] = [await createStage(t, database), await createStage(t, database)]
  const create = ({ provision, accountSid }: Stage, domainName: string) =>
    provision.domains.create(accountSid, { domainName })
  await t.resolves(create(ann, 'ann.sip.test'))
  const { sid } = await create(ann, 'sip.test')
  await t.resolves(create(bob, 'bob.sip.test'), 'whoever has it does not have what lies under it')
  await t.rejects(create(bob, 'pbx.ann.sip.test'), { code: 'domain_taken' })
  await t.rejects(create(bob, ann.realm), { code: 'domain_taken' }, "another account's own realm")
  await t.rejects(create(bob, `pbx.${ann.realm}`), { code: 'domain_taken' })
  await t.resolves(create(ann, ann.realm))
  await t.rejects(create(bob, 'test'), { code: 'domain_taken' }, 'sip.test itself lies under it')
  await ann.provision.domains.delete(ann.accountSid, (await create(ann, 'elsewhere.example')).sid)
  await t.rejects(ann.provision.domains.delete(ann.accountSid, sid), { code: 'has_subdomains' })
})

t.test('of accounts that take one name, or names under each other, at once exactly one gets it', async (t) => {
  const stages = [await createStage(t, database), await createStage(t, database), await createStage(t, database)]
  const name = freshName()
  for (const nested of [
    ['', '', ''],
    ['', 'a.', 'b.a.'],
  ]) {
    const wanted = nested.map((labels) => `${labels}${nested.join('').length}.${name}`)
    // All of them stand in the line before the first one is let in.
    const { outcome } = await inTransaction(database.pool, async (tx) => {
      await lockNames(tx)
      const outcome = codes(
        stages.map(({ provision, accountSid }, index) =>
          provision.domains.create(accountSid, { domainName: wanted[index] ?? '' }),
        ),
      )
      await until(async () => (await waiting({ database })) === 3)
      return { outcome }
    })
    t.same(await outcome, ['domain_taken', 'domain_taken', 'done'], wanted.join())
  }
})

t.test('of a realm and a domain under it that two accounts take at once exactly one is', async (t) => {
  const [ann, bob] = [await createStage(t, database), await createStage(t, database)]
  const realm = freshName()
  const { outcome } = await inTransaction(database.pool, async (tx) => {
    await lockNames(tx)
    const outcome = codes([
      ann.provision.credentialLists.create(ann.accountSid, { friendlyName: 'mine', realm }),
      bob.provision.domains.create(bob.accountSid, { domainName: `pbx.${realm}` }),
    ])
    await until(async () => (await waiting({ database })) === 2)
    return { outcome }
  })
  const all = await outcome
  t.equal(all.filter((code) => code === 'done').length, 1, all.join())
})

t.test('whoever waits for what an import holds keeps no other account from taking a name', async (t) => {
  const [ann, bob] = [await createStage(t, database), await createStage(t, database)]
  const [realm, own] = [freshName(), freshName()]
  const { credentialLists, domains } = ann.provision
  const { sid } = await credentialLists.create(ann.accountSid, { friendlyName: 'imported', realm })
  const pbx = await domains.create(ann.accountSid, { domainName: own })
  const waits = [
    () => credentialLists.update(bob.accountSid, bob.listSid, { realm }),
    () => credentialLists.create(bob.accountSid, { friendlyName: 'another', realm }),
    () => domains.create(ann.accountSid, { domainName: freshName() }),
    () => domains.update(ann.accountSid, pbx.sid, { domainName: freshName() }),
    () => credentialLists.update(ann.accountSid, sid, { realm: freshName() }),
  ]
  for (const wait of waits) {
    const { waited } = await inTransaction(database.pool, async (tx) => {
      await tx.query('select from credential_lists where sid = $1 for share', [sid])
      await tx.query('select from domains where sid = $1 for share', [pbx.sid])
      await tx.query('select from realms where realm = any($1) for update', [[realm, ann.realm]])
      const waited = codes([wait()])
      await until(async () => (await waiting({ database })) === 1)
      const { rowCount } = await tx.query(
        `select from pg_locks join pg_database on oid = database and datname = current_database()
         where locktype = 'advisory'`,
      )
      t.equal(rowCount, 0, 'the names are free')
      return { waited }
    })
    t.match(await waited, [/done|realm_taken/], `${wait}`)
  }
})

t.test('a list that a domain uses keeps its realm and is not deleted', async (t) => {
  const stage = await createStage(t, database, redis)
  const { accountSid, listSid } = stage
  const { credentialLists, domains, domainMappings, ipAccessControlLists } = stage.provision
  await stage.createUser('alice').then(({ sid }) => stage.provision.credentials.delete(accountSid, listSid, sid))
  const { sid } = await domains.create(accountSid, { domainName: freshName() })
  await domainMappings.mapCredentialList(accountSid, sid, 'registrations', listSid)
  const ips = await ipAccessControlLists.create(accountSid, 'offices')
  await domainMappings.mapIpAccessControlList(accountSid, sid, ips.sid)
  await stage.createUser('alice')
  await t.rejects(credentialLists.delete(accountSid, listSid), { code: 'list_in_use', field: 'CredentialListSid' })
  t.ok(await stage.mirror.findHa1(stage.realm, 'alice', 'ha1'), 'its credentials stay as well')
  await t.rejects(ipAccessControlLists.delete(accountSid, ips.sid), { code: 'ip_list_in_use' })
  const empty = await credentialLists.create(accountSid, { friendlyName: 'empty' })
  await domainMappings.mapCredentialList(accountSid, sid, 'calls', empty.sid)
  await t.rejects(credentialLists.update(accountSid, empty.sid, { realm: freshName() }), {
    ...{ code: 'realm_fixed', message: 'Realm is fixed while a domain uses the list' },
  })
  await t.resolves(credentialLists.update(accountSid, empty.sid, { realm: stage.realm, friendlyName: 'same realm' }))
})

t.test('of a mapping and the deletion of its list at once one succeeds, and the mirror says which', async (t) => {
  const stage = await createStage(t, database, redis)
  const { accountSid } = stage
  const { credentialLists, domains, domainMappings, ipAccessControlLists } = stage.provision
  const { sid, domainName } = await domains.create(accountSid, { domainName: freshName() })
  for (let round = 0; round < 4; round++) {
    const list = await credentialLists.create(accountSid, { friendlyName: `list ${round}` })
    const ips = await ipAccessControlLists.create(accountSid, `ips ${round}`)
    const lists = await codes([
      domainMappings.mapCredentialList(accountSid, sid, 'calls', list.sid),
      credentialLists.delete(accountSid, list.sid),
    ])
    t.ok(
      [
        ['done', 'list_in_use'],
        ['done', 'unknown_reference'],
      ].some((each) => each.join() === lists.join()),
      `${lists}`,
    )
    const ipLists = await codes([
      domainMappings.mapIpAccessControlList(accountSid, sid, ips.sid),
      ipAccessControlLists.delete(accountSid, ips.sid),
    ])
    const either = [
      ['done', 'ip_list_in_use'],
      ['done', 'unknown_reference'],
    ]
    t.ok(
      either.some((each) => each.join() === ipLists.join()),
      `${ipLists}`,
    )
    await mirrored(stage, domainName)
  }
})

t.test('an update that changes nothing writes nothing: no version, no date, no line of the audit trail', async (t) => {
  const stage = await createStage(t, database)
  const { accountSid, listSid, realm } = stage
  const { credentialLists, credentials, domains, domainMappings, ipAccessControlLists, ipAddresses } = stage.provision
  const input = { username: 'ann', password: 'Correct-Horse-7', description: 'x' }
  const credential = await credentials.create(accountSid, listSid, input)
  await credentialLists.update(accountSid, listSid, { algorithms: ['SHA-256', 'MD5'] })
  const domain = await domains.create(accountSid, { domainName: freshName(), voiceUrl: 'https://a.example/?k=1' })
  const ips = await ipAccessControlLists.create(accountSid, 'offices')
  await domainMappings.mapIpAccessControlList(accountSid, domain.sid, ips.sid)
  const address = await ipAddresses.create(accountSid, ips.sid, { friendlyName: 'main', ipAddress: '192.0.2.1' })
  const same = [
    ...[{}, { friendlyName: 'phones', realm: realm.toUpperCase(), algorithms: ['SHA-256', 'MD5'] as const }].map(
      (change) => () => credentialLists.update(accountSid, listSid, change),
    ),
    ...[{}, { enabled: true, description: 'x' }].map(
      (change) => () => credentials.update(accountSid, listSid, credential.sid, change),
    ),
    ...[{}, { domainName: domain.domainName.toUpperCase(), voiceUrl: 'https://a.example/?k=1', secure: false }].map(
      (change) => () => domains.update(accountSid, domain.sid, change),
    ),
    () => ipAccessControlLists.update(accountSid, ips.sid, 'offices'),
    ...[{}, { friendlyName: 'main', ipAddress: '192.0.2.1', cidrPrefixLength: 32 }].map(
      (change) => () => ipAddresses.update(accountSid, ips.sid, address.sid, change),
    ),
  ]
  const state = async () => {
    const { rows } = await database.pool.query(
      `select array(select version from credentials where account_sid = $1) as credentials,
              array(select version from realms where account_sid = $1) as realms,
              array(select version from domains where account_sid = $1) as domains`,
      [accountSid],
    )
    return [rows, await auditOf(stage)]
  }
  const before = await state()
  stage.published.length = 0
  for (const update of same) {
    const [first, second] = [await update(), await update()]
    t.same(first, second)
    t.ok(second.updatedAt instanceof Date, 'it is answered as ever')
  }
  t.same(await state(), before)
  t.same(stage.published, [])
  await domains.update(accountSid, domain.sid, { voiceUrl: 'https://a.example/?k=2' })
  t.equal((await auditOf(stage)).at(-1), 'domain.update', 'a secret that the trail does not show is a change')
  await credentialLists.update(accountSid, listSid, { algorithms: null })
  t.match(stage.published.at(-1), { kind: 'realm', realm })
})

t.test('a domain uses a hundred IP lists at most', async (t) => {
  const stage = await createStage(t, database)
  const { accountSid } = stage
  const { domains, domainMappings, ipAccessControlLists } = stage.provision
  const { sid } = await domains.create(accountSid, { domainName: freshName() })
  const { rows } = await database.pool.query<{ sid: string }>(
    `insert into ip_access_control_lists (sid, account_sid, friendly_name)
     select 'AL' || md5(n::text || $1), $1, 'x' from generate_series(1, 99) n returning sid`,
    [accountSid],
  )
  await database.pool.query(
    'insert into domain_ip_access_control_lists (domain_sid, list_sid) select $1, unnest($2::text[])',
    [sid, rows.map((row) => row.sid)],
  )
  const lists = await Promise.all(['a', 'b', 'c'].map((name) => ipAccessControlLists.create(accountSid, name)))
  const mapped = lists.map((list) => domainMappings.mapIpAccessControlList(accountSid, sid, list.sid))
  t.same(await codes(mapped), ['done', 'invalid', 'invalid'], 'the last place is taken once')
})

t.test('limits hold when the last place is asked for many times at once', async (t) => {
  const stage = await createStage(t, database)
  const { accountSid } = stage
  const { domains, ipAccessControlLists, ipAddresses } = stage.provision
  const list = await ipAccessControlLists.create(accountSid, 'full')
  await database.pool.query(
    `insert into domains (sid, account_sid, domain_name, realm, version)
     select 'SD' || md5(n::text || $1), $1, 'd' || n || '.' || lower($1) || '.example', $2, 1 from generate_series(1, 99) n`,
    [accountSid, stage.realm],
  )
  await database.pool.query(
    `insert into ip_access_control_lists (sid, account_sid, friendly_name)
     select 'AL' || md5(n::text || $1), $1, 'x' from generate_series(1, 998) n`,
    [accountSid],
  )
  await database.pool.query(
    `insert into ip_addresses (sid, account_sid, list_sid, friendly_name, ip_address, cidr_prefix_length)
     select 'IP' || md5(n::text || $1), $1, $2, 'x', '192.0.2.' || n, 32 from generate_series(1, 99) n`,
    [accountSid, list.sid],
  )
  const three = <T>(ask: () => Promise<T>) => codes([ask(), ask(), ask()])
  const input = { friendlyName: 'last', ipAddress: '203.0.113.1' }
  const full = (code: string) => [...['done'], ...[code, code]].sort()
  t.same(await three(() => domains.create(accountSid, { domainName: freshName() })), full('too_many_domains'))
  t.same(await three(() => ipAccessControlLists.create(accountSid, 'last')), full('too_many_ip_lists'))
  t.same(await three(() => ipAddresses.create(accountSid, list.sid, input)), full('too_many_ip_addresses'))
})

t.test("another account's domains and lists cannot be written", async (t) => {
  const [ann, bob] = [await createStage(t, database), await createStage(t, database)]
  const { domains, domainMappings, ipAccessControlLists, ipAddresses } = bob.provision
  const { sid } = await ann.provision.domains.create(ann.accountSid, { domainName: freshName() })
  const own = await domains.create(bob.accountSid, { domainName: freshName() })
  const ips = await ann.provision.ipAccessControlLists.create(ann.accountSid, 'offices')
  const unknown = { code: 'not_found' }
  const address = { friendlyName: 'x', ipAddress: '192.0.2.1' }
  await t.rejects(domains.update(bob.accountSid, sid, { friendlyName: 'mine' }), unknown)
  await t.rejects(domains.delete(bob.accountSid, sid), unknown)
  await t.rejects(domainMappings.mapCredentialList(bob.accountSid, sid, 'calls', bob.listSid), unknown)
  await t.rejects(domainMappings.unmapIpAccessControlList(bob.accountSid, sid, ips.sid), unknown)
  await t.rejects(ipAccessControlLists.update(bob.accountSid, ips.sid, 'mine'), unknown)
  await t.rejects(ipAccessControlLists.delete(bob.accountSid, ips.sid), unknown)
  await ann.provision.domainMappings.mapIpAccessControlList(ann.accountSid, sid, ips.sid)
  await inTransaction(database.pool, async (tx) => {
    await tx.query('select from domains where sid = $1 for update', [sid])
    await t.rejects(ipAddresses.create(bob.accountSid, ips.sid, address), unknown, 'without waiting for a lock of hers')
  })
  await t.rejects(domains.create(ann.accountSid.replace('AC', 'AD'), { domainName: freshName() }), unknown)
  const reference = { code: 'unknown_reference' }
  await t.rejects(domainMappings.mapCredentialList(bob.accountSid, own.sid, 'calls', ann.listSid), reference)
  await t.rejects(domainMappings.mapIpAccessControlList(bob.accountSid, own.sid, ips.sid), reference)
})
