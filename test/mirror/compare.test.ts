import t from 'tap'
import { compareMirror, type Difference } from '../../src/mirror/compare.js'
import type { Truth } from '../../src/mirror/mirror.js'
import type { RecordKey } from '../../src/record-key.js'
import { createTruth } from '../../src/truth.js'
import { startPostgres } from '../fixtures/postgres.js'
import { startRedis } from '../fixtures/redis.js'
import { createStage, openRedis, openStore, type Stage } from '../provision/stage.js'

const postgres = await startPostgres(t)
const server = await startRedis(t)
const redis = await openRedis(t, server.url)
const database = await openStore(t, await postgres.createDatabase())
const truth = createTruth(database.pool)

async function differences(seen: Truth = truth): Promise<Record<string, string>> {
  const found: Difference[] = []
  for await (const difference of compareMirror(redis, seen)) found.push(difference)
  return Object.fromEntries(found.map(({ key, what }) => [lastName(key), what]))
}

function lastName(key: RecordKey): string {
  if (key.kind === 'credential') return key.username
  return key.kind === 'realm' ? key.realm : key.domain
}

/** Domains that the stage's list may call at. */
async function createDomains(stage: Stage, ...names: readonly string[]): Promise<void> {
  const { domains, domainMappings } = stage.provision
  for (const domainName of names) {
    const { sid } = await domains.create(stage.accountSid, { domainName })
    await domainMappings.mapCredentialList(stage.accountSid, sid, 'calls', stage.listSid)
  }
}

t.test('every kind of difference is found, and named without the value of any HA1', async (t) => {
  const stage = await createStage(t, database, redis)
  const { realm } = stage
  const key = (user: string) => `sipauth:cred:${realm}:${user}`
  const users = ['same', 'ha1', 'gone', 'high', 'low', 'extra', 'less', 'expiring', 'string', 'unversioned', 'off']
  for (const user of users) await stage.createUser(user)
  const { rows } = await database.pool.query('select sid from credentials where username = $1', ['off'])
  await stage.provision.credentials.update(stage.accountSid, stage.listSid, rows[0].sid, { enabled: false })
  await stage.provision.credentialLists.update(stage.accountSid, stage.listSid, { algorithms: ['SHA-256'] })
  await createDomains(stage, 'same.example', 'changed.example', 'gone.example')
  t.same(await differences(), {}, 'nothing before')

  const secret = 'f'.repeat(32)
  const { v = '' } = await redis.hgetall(key('high'))
  const { v: low = '' } = await redis.hgetall(key('low'))
  await redis.hset(key('ha1'), 'ha1', secret, 'ha1b_sha256', secret)
  await redis.del(key('gone'))
  await redis.hset(key('high'), 'v', '999999')
  await redis.hset(key('low'), 'v', '0')
  await redis.hset(key('extra'), 'password', secret)
  await redis.hdel(key('less'), 'account', 'ha1b')
  await redis.pexpire(key('expiring'), 1_000_000)
  await redis.set(key('string'), secret)
  await redis.hdel(key('unversioned'), 'v')
  await redis.hset(key('off'), 'ha1', secret)
  await redis.hset(key('ghost'), 'ha1', secret)
  await redis.hset(key('tombstone'), 'v', '1')
  await redis.pexpire(key('tombstone'), 1_000_000)
  await redis.hset(`sipauth:realm:${realm}`, 'algorithms', 'MD5')
  await redis.hset('sipauth:realm:ghost.example.com', 'algorithms', 'MD5', 'v', '1')
  await redis.hset(`sipauth:realm:${realm}`, 'lacking', 'SHA-256')
  await redis.hset('sipauth:domain:changed.example', 'calls', '', 'ip', '0.0.0.0/0', 'active', '0')
  await redis.hset('sipauth:domain:ghost.example', 'realm', realm, 'v', '1')
  await redis.del('sipauth:domain:gone.example')
  const found = await differences()
  const { unversioned, ...rest } = found
  t.match(unversioned, /^has version \d+ in PostgreSQL and none in Redis$/)
  t.same(rest, {
    ha1: 'differs in the HA1 ha1, the HA1 ha1b_sha256',
    gone: 'is in PostgreSQL and not in Redis',
    high: `has version ${v} in PostgreSQL and 999999 in Redis`,
    low: `has version ${low} in PostgreSQL and 0 in Redis`,
    extra: 'differs in password',
    less: 'differs in account, the HA1 ha1b',
    expiring: 'would expire in Redis',
    string: 'is a string in Redis where a hash belongs',
    off: 'differs in the HA1 ha1',
    ghost: 'is in Redis and not in PostgreSQL',
    [realm]: 'differs in algorithms, lacking',
    'ghost.example.com': 'is in Redis and not in PostgreSQL',
    'changed.example': 'differs in active, calls, ip',
    'ghost.example': 'is in Redis and not in PostgreSQL',
    'gone.example': 'is in PostgreSQL and not in Redis',
  })
  t.notMatch(JSON.stringify(found), secret)
  await redis.flushall()
})

t.test('a change under way is not taken for a difference', async (t) => {
  const stage = await createStage(t, database, redis)
  stage.leaveToRelay = true
  await stage.createUser('late')
  let walked = 0
  const seen: Truth = {
    ...truth,
    async *walk() {
      for await (const slice of truth.walk()) {
        walked += slice.length
        yield slice.filter((record) => record.kind !== 'domain' && record.realm === stage.realm)
      }
      // Arrives when it has been looked at once.
      await stage.relay.publish(stage.published)
    },
  }
  t.same(await differences(seen), {})
  t.ok(walked > 0)
})
